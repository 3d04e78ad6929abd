/*
 * A file system that fails on demand: preloaded into a Node.js process, it stands between libc and
 * whatever is written below one folder. Compiled by compile-shim.ts; used by store-child.ts.
 *
 * The process steers it by opening paths that begin with /clew-fault/ (nothing is opened):
 *   begin|PLAN|SEED|LYING|ROOT   calls below ROOT are counted from 0; PLAN is `AT:KIND,AT:KIND`
 *   status                       EEXIST when the run died, ENOENT while it lives
 *   lose                         the power fails now
 *   end|TRACE                    writes the calls of the run to the file TRACE; ENOENT
 * A run dies at a call whose kind is `crash`, `torn` or `power`; from then on, and after `end`, every
 * call below its ROOT fails with EIO, as if the process were gone. `power` also takes back what was
 * not synced: contents by sectors of 512 bytes, and created, renamed and removed names of folders
 * that were not synced. SEED 0 takes back all of it, another one a part chosen by chance.
 * Files that end in -shm are SQLite's shared memory, never durable, and are left alone.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define FDS_MAX 65536
#define FILES_MAX 4096
#define NAMES_MAX 4096
#define PLAN_MAX 8
#define SECTOR 512
#define PAGE 4096
#define COMMAND "/clew-fault/"

#define REAL(result, name, ...) \
  static result (*real_##name)(__VA_ARGS__); \
  __attribute__((constructor)) static void find_##name(void) { real_##name = dlsym(RTLD_NEXT, #name); }

REAL(int, openat, int, const char *, int, ...)
REAL(ssize_t, pread, int, void *, size_t, off_t)
REAL(ssize_t, preadv, int, const struct iovec *, int, off_t)
REAL(ssize_t, read, int, void *, size_t)
REAL(ssize_t, write, int, const void *, size_t)
REAL(ssize_t, pwrite, int, const void *, size_t, off_t)
REAL(ssize_t, writev, int, const struct iovec *, int)
REAL(ssize_t, pwritev, int, const struct iovec *, int, off_t)
REAL(int, fsync, int)
REAL(int, renameat, int, const char *, int, const char *)
REAL(int, unlinkat, int, const char *, int)
REAL(int, linkat, int, const char *, int, const char *, int)
REAL(int, ftruncate, int, off_t)
REAL(int, mkdirat, int, const char *, mode_t)
REAL(int, close, int)

enum kind { NONE, ERROR, LATE, ROOM, FULL, SHORT, TORN, CRASH, POWER, LOST };
static const char *KINDS[] = {"none",  "error", "late-error", "no-room", "full",
                              "short", "torn",  "crash",      "power",   "lost"};

/* A file with changes that are not durable. */
struct file {
  dev_t dev;
  ino_t ino;
  int fd;
  char *durable;
  off_t durable_size;
  /* After a failed fsync: what the page cache then showed, although the disk has `durable`. */
  char *shown;
  off_t shown_size;
};

/* A change of a name whose folder was not synced. */
struct change {
  char op; /* c created, m folder made, u unlinked, r renamed */
  char *from, *to, *backup;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char base[PATH_MAX], root[PATH_MAX];
static int run, dead = 1, lying, full, backups;
static long calls;
static uint64_t seed;
static struct { long at; enum kind kind; } plan[PLAN_MAX];
static int planned;
static int owner[FDS_MAX]; /* run that opened a file below the root, 0: not ours */
static struct file files[FILES_MAX];
static int file_count;
static struct change changes[NAMES_MAX];
static int change_count;
static char *trace;
static size_t trace_size;
static FILE *tracing;

static uint64_t chance(void) { /* xorshift64* */
  seed ^= seed >> 12, seed ^= seed << 25, seed ^= seed >> 27;
  return (seed * 2685821657736338717ULL) >> 33;
}

static int below(const char *path, const char *folder) {
  size_t length = strlen(folder);
  return length > 0 && strncmp(path, folder, length) == 0 && (path[length] == '/' || !path[length]);
}

static int ends_with(const char *path, const char *end) {
  size_t a = strlen(path), b = strlen(end);
  return a >= b && strcmp(path + a - b, end) == 0;
}

static void absolute(int dir, const char *path, char *out) {
  char link[64], folder[PATH_MAX] = "";
  if (path[0] == '/') {
    snprintf(out, PATH_MAX, "%s", path);
    return;
  }
  if (dir == AT_FDCWD) {
    if (getcwd(folder, sizeof folder) == NULL) folder[0] = 0;
  } else {
    snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
    ssize_t length = readlink(link, folder, sizeof folder - 1);
    folder[length < 0 ? 0 : length] = 0;
  }
  snprintf(out, PATH_MAX, "%.2000s/%.2000s", folder, path);
}

/* 1: a call of the run; -1: of a run that is over; 0: somebody else's. */
static int whose(const char *path) {
  if (ends_with(path, "-shm")) return 0;
  if (below(path, root)) return dead ? -1 : 1;
  return below(path, base) ? -1 : 0;
}

static int whose_fd(int fd) {
  if (fd < 0 || fd >= FDS_MAX || owner[fd] == 0) return 0;
  return owner[fd] == run && !dead ? 1 : -1;
}

static void path_of(int fd, char *out) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, out, PATH_MAX - 1);
  out[length < 0 ? 0 : length] = 0;
}

static char *slurp(int fd, off_t *size) {
  struct stat facts;
  if (fstat(fd, &facts) != 0) abort();
  char *content = malloc(facts.st_size + 1);
  *size = facts.st_size == 0 ? 0 : real_pread(fd, content, facts.st_size, 0);
  if (*size != facts.st_size) abort();
  return content;
}

static struct file *known(dev_t dev, ino_t ino) {
  for (int each = 0; each < file_count; each++)
    if (files[each].dev == dev && files[each].ino == ino) return &files[each];
  return NULL;
}

/* Before the content or the length of a file changes: keeps what is durable. */
static void remember(int any) {
  struct stat facts;
  if (fstat(any, &facts) != 0 || !S_ISREG(facts.st_mode)) return;
  struct file *file = known(facts.st_dev, facts.st_ino);
  if (file != NULL && file->durable != NULL) return;
  if (file == NULL) {
    char link[64];
    if (file_count == FILES_MAX) abort();
    file = &files[file_count++];
    snprintf(link, sizeof link, "/proc/self/fd/%d", any);
    int fd = real_openat(AT_FDCWD, link, O_RDWR | O_CLOEXEC);
    *file = (struct file){.dev = facts.st_dev, .ino = facts.st_ino, .fd = fd};
    if (file->fd < 0) abort();
  }
  file->durable = slurp(file->fd, &file->durable_size);
}

static int sector_differs(const char *a, off_t a_size, const char *b, off_t b_size, off_t at) {
  off_t an = a_size - at < SECTOR ? a_size - at : SECTOR, bn = b_size - at < SECTOR ? b_size - at : SECTOR;
  if (an < 0) an = 0;
  if (bn < 0) bn = 0;
  return an != bn || memcmp(a + at, b + at, an) != 0;
}

static void forget(struct file *file) {
  free(file->durable);
  free(file->shown);
  file->durable = file->shown = NULL;
}

/* Makes a file durable, but for sectors that an earlier failed fsync marked as written. */
static void make_durable(struct file *file) {
  if (file->shown == NULL) {
    forget(file);
    return;
  }
  off_t size;
  int lost = 0;
  char *live = slurp(file->fd, &size), *next = malloc(size + 1);
  memcpy(next, live, size);
  for (off_t at = 0; at < size; at += SECTOR) {
    if (sector_differs(live, size, file->shown, file->shown_size, at)) continue;
    if (!sector_differs(live, size, file->durable, file->durable_size, at)) continue;
    for (off_t each = at; each < at + SECTOR && each < size; each++)
      next[each] = each < file->durable_size ? file->durable[each] : 0;
    lost = 1;
  }
  free(live);
  if (lost == 0) {
    free(next);
    forget(file);
    return;
  }
  free(file->durable);
  file->durable = next;
  file->durable_size = size;
}

static void lose_content(struct file *file, int all) {
  if (file->durable == NULL) return;
  off_t size;
  char *live = slurp(file->fd, &size);
  off_t kept = all || chance() % 2 ? file->durable_size : size;
  if (real_ftruncate(file->fd, kept) != 0) abort();
  for (off_t at = 0; at < kept; at += SECTOR) {
    if (!sector_differs(live, size, file->durable, file->durable_size, at)) continue;
    if (!all && chance() % 2) continue;
    char sector[SECTOR] = {0};
    off_t have = file->durable_size - at < SECTOR ? file->durable_size - at : SECTOR;
    off_t want = kept - at < SECTOR ? kept - at : SECTOR;
    if (have > 0) memcpy(sector, file->durable + at, have);
    if (real_pwrite(file->fd, sector, want, at) != want) abort();
  }
  free(live);
}

/* Written again, a page is dirty again, whatever a failed fsync did to it. */
static void dirty_again(int fd, off_t from, off_t to) {
  struct stat facts;
  struct file *file = fstat(fd, &facts) == 0 ? known(facts.st_dev, facts.st_ino) : NULL;
  if (file == NULL || file->shown == NULL) return;
  off_t size;
  char *live = slurp(file->fd, &size);
  for (off_t at = from / PAGE * PAGE; at < to; at++)
    if (at % SECTOR == 0 && at < size && at < file->shown_size) file->shown[at] = ~live[at];
  for (off_t at = to; at % PAGE != 0 && at < size && at < file->shown_size; at++)
    if (at % SECTOR == 0) file->shown[at] = ~live[at];
  free(live);
}

static int remove_one(const char *path, const struct stat *facts, int type, struct FTW *state) {
  (void)facts, (void)state;
  return real_unlinkat(AT_FDCWD, path, type == FTW_DP ? AT_REMOVEDIR : 0);
}

static void rename_back(const char *from, const char *to) {
  real_renameat(AT_FDCWD, from, AT_FDCWD, to);
}

static void lose_names(int all) {
  int keep = all ? 0 : (int)(chance() % (change_count + 1));
  while (change_count > keep) {
    struct change *each = &changes[--change_count];
    if (each->op == 'c') real_unlinkat(AT_FDCWD, each->to, 0);
    if (each->op == 'm') nftw(each->to, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    if (each->op == 'r') rename_back(each->to, each->from);
    if (each->backup != NULL) rename_back(each->backup, each->to);
  }
}

static void lose_power(void) {
  int all = seed == 0;
  for (int each = 0; each < file_count; each++) lose_content(&files[each], all);
  lose_names(all);
  dead = 1;
}

static void note(char op, const char *from, const char *to, const char *backup) {
  if (change_count == NAMES_MAX) abort();
  changes[change_count++] = (struct change){op, from ? strdup(from) : NULL, strdup(to), backup ? strdup(backup) : NULL};
}

/* A second name for what is about to lose its own; NULL where there is nothing. */
static const char *back_up(const char *path, char *out) {
  snprintf(out, PATH_MAX, "%.2000s.lost/%d", base, backups++);
  return real_linkat(AT_FDCWD, path, AT_FDCWD, out, 0) == 0 ? out : NULL;
}

static int in_folder(const char *path, const char *folder) {
  const char *slash = path == NULL ? NULL : strrchr(path, '/');
  return slash != NULL && strlen(folder) == (size_t)(slash - path) && strncmp(path, folder, slash - path) == 0;
}

static void sync_folder(const char *folder) {
  int kept = 0;
  for (int each = 0; each < change_count; each++)
    if (!in_folder(changes[each].to, folder) && !in_folder(changes[each].from, folder))
      changes[kept++] = changes[each];
  change_count = kept;
}

static void begin(char *text) {
  char *parts[4];
  for (int each = 0; each < 4; each++) parts[each] = strsep(&text, "|");
  for (int each = 0; each < file_count; each++) {
    forget(&files[each]);
    real_close(files[each].fd);
  }
  file_count = change_count = planned = full = 0;
  calls = dead = 0;
  run++;
  for (char *each = strsep(&parts[0], ","); each && *each; each = strsep(&parts[0], ",")) {
    char *name = strchr(each, ':') + 1;
    plan[planned].at = atol(each);
    plan[planned].kind = NONE;
    for (int kind = NONE; kind <= LOST; kind++)
      if (strcmp(name, KINDS[kind]) == 0) plan[planned].kind = kind;
    if (plan[planned].kind == NONE || ++planned == PLAN_MAX) abort();
  }
  seed = strtoull(parts[1], NULL, 10);
  lying = atoi(parts[2]);
  snprintf(root, sizeof root, "%s", parts[3]);
  snprintf(base, sizeof base, "%s", parts[3]);
  *strrchr(base, '/') = 0;
  char lost[PATH_MAX];
  snprintf(lost, sizeof lost, "%.2000s.lost", base);
  real_mkdirat(AT_FDCWD, lost, 0700);
  if (tracing) fclose(tracing);
  free(trace);
  tracing = open_memstream(&trace, &trace_size);
}

static void end(const char *path) {
  dead = 1;
  fflush(tracing);
  int file = real_openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (real_write(file, trace, trace_size) != (ssize_t)trace_size) abort();
  real_close(file);
}

static int command(const char *text) {
  char copy[PATH_MAX];
  snprintf(copy, sizeof copy, "%s", text);
  pthread_mutex_lock(&lock);
  int answer = strcmp(copy, "status") == 0 && dead ? EEXIST : ENOENT;
  if (strncmp(copy, "begin|", 6) == 0) begin(copy + 6);
  if (strncmp(copy, "end|", 4) == 0) end(copy + 4);
  if (strcmp(copy, "lose") == 0 && !dead) lose_power();
  pthread_mutex_unlock(&lock);
  errno = answer;
  return -1;
}

/* Counts a call of the run and says what is to happen at it. */
static enum kind enter(const char *name, const char *path) {
  enum kind kind = NONE;
  for (int each = 0; each < planned; each++)
    if (plan[each].at == calls) kind = plan[each].kind;
  calls++;
  fprintf(tracing, "%s %s\n", name, below(path, root) ? path + strlen(root) : path);
  if (kind == FULL) full = 1;
  if (kind == FULL) kind = NONE;
  if (kind == POWER) lose_power();
  if (kind == CRASH) dead = 1;
  return kind;
}

static int fails(enum kind kind, int grows) {
  if (kind == ROOM || (full && grows)) {
    errno = ENOSPC;
    return 1;
  }
  errno = EIO;
  return dead || kind == ERROR || kind == LOST;
}

#define LOCKED(...) \
  pthread_mutex_lock(&lock); \
  __VA_ARGS__; \
  int kept_errno = errno; \
  pthread_mutex_unlock(&lock); \
  errno = kept_errno;

static int open_file(int dir, const char *path, int flags, mode_t mode) {
  if (strncmp(path, COMMAND, strlen(COMMAND)) == 0) return command(path + strlen(COMMAND));
  char place[PATH_MAX];
  absolute(dir, path, place);
  int fd;
  pthread_mutex_lock(&lock);
  int ours = whose(place), failed = errno;
  if (ours == 0) {
    pthread_mutex_unlock(&lock);
    return real_openat(dir, path, flags, mode);
  }
  int isNew = (flags & O_CREAT) && access(place, F_OK) != 0;
  int grows = isNew || (flags & O_TRUNC);
  enum kind kind = ours > 0 ? enter(grows ? "open+" : "open", place) : ERROR;
  if (fails(kind, grows)) {
    fd = -1;
    failed = errno;
  } else {
    if (!isNew && (flags & O_TRUNC)) {
      int before = real_openat(AT_FDCWD, place, O_RDONLY | O_CLOEXEC);
      if (before >= 0) {
        remember(before);
        real_close(before);
      }
    }
    fd = real_openat(dir, path, flags, mode);
    failed = errno;
    if (fd >= 0 && fd < FDS_MAX) owner[fd] = run;
    if (fd >= 0 && isNew) note('c', NULL, place, NULL);
    if (fd >= 0 && kind == LATE) {
      real_close(fd);
      owner[fd] = 0;
      fd = -1;
      failed = EIO;
    }
  }
  pthread_mutex_unlock(&lock);
  errno = failed;
  return fd;
}

#define OPEN(name, before, first, directory) \
  int name(before const char *path, int flags, ...) { \
    va_list rest; \
    va_start(rest, flags); \
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
    va_end(rest); \
    return open_file(directory, path, flags, mode); \
  }
#define COMMA ,
OPEN(open, , , AT_FDCWD)
OPEN(open64, , , AT_FDCWD)
OPEN(openat, int dir COMMA, , dir)
OPEN(openat64, int dir COMMA, , dir)

int close(int fd) {
  pthread_mutex_lock(&lock);
  if (fd >= 0 && fd < FDS_MAX) owner[fd] = 0;
  pthread_mutex_unlock(&lock);
  return real_close(fd);
}

/* All writes: one buffer; `at` < 0 where the file's own position counts. */
static ssize_t put(int fd, const struct iovec *parts, int count, off_t at) {
  pthread_mutex_lock(&lock);
  int ours = whose_fd(fd);
  ssize_t done;
  int own = at < 0;
  if (ours == 0) {
    pthread_mutex_unlock(&lock);
    return at < 0 ? real_writev(fd, parts, count) : real_pwritev(fd, parts, count, at);
  }
  char path[PATH_MAX];
  path_of(fd, path);
  enum kind kind = ours > 0 ? enter("write", path) : ERROR;
  size_t total = 0;
  for (int each = 0; each < count; each++) total += parts[each].iov_len;
  if (fails(kind, 1)) {
    done = -1;
  } else {
    char *bytes = malloc(total + 1), *end = bytes;
    for (int each = 0; each < count; each++) end = mempcpy(end, parts[each].iov_base, parts[each].iov_len);
    size_t some = kind == SHORT || kind == TORN ? total / 2 : total;
    remember(fd);
    done = own ? real_write(fd, bytes, some) : real_pwrite(fd, bytes, some, at);
    if (own) at = lseek(fd, 0, SEEK_CUR) - done;
    if (done > 0) dirty_again(fd, at, at + done);
    free(bytes);
    if (kind == TORN) dead = 1;
    if (kind == TORN || kind == LATE) {
      done = -1;
      errno = EIO;
    }
  }
  int failed = errno;
  pthread_mutex_unlock(&lock);
  errno = failed;
  return done;
}

ssize_t write(int fd, const void *bytes, size_t size) {
  return put(fd, &(struct iovec){(void *)bytes, size}, 1, -1);
}
ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at) {
  return put(fd, &(struct iovec){(void *)bytes, size}, 1, at);
}
ssize_t pwrite64(int fd, const void *bytes, size_t size, off_t at) { return pwrite(fd, bytes, size, at); }
ssize_t writev(int fd, const struct iovec *parts, int count) { return put(fd, parts, count, -1); }
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) { return put(fd, parts, count, at); }
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t at) { return put(fd, parts, count, at); }

static int read_fails(int fd) {
  int failed = 0;
  char path[PATH_MAX];
  LOCKED({
    int ours = whose_fd(fd);
    if (ours > 0) path_of(fd, path);
    if (ours != 0) failed = fails(ours > 0 ? enter("read", path) : ERROR, 0);
  })
  return failed;
}

ssize_t read(int fd, void *into, size_t size) { return read_fails(fd) ? -1 : real_read(fd, into, size); }
ssize_t pread(int fd, void *into, size_t size, off_t at) {
  return read_fails(fd) ? -1 : real_pread(fd, into, size, at);
}
ssize_t pread64(int fd, void *into, size_t size, off_t at) { return pread(fd, into, size, at); }
ssize_t preadv(int fd, const struct iovec *parts, int count, off_t at) {
  return read_fails(fd) ? -1 : real_preadv(fd, parts, count, at);
}
ssize_t preadv64(int fd, const struct iovec *parts, int count, off_t at) { return preadv(fd, parts, count, at); }

/* fsync and fdatasync: nothing needs to reach a disk, since the power only fails here. */
static int sync_any(int fd, int (*real)(int)) {
  int ours, done = 0;
  LOCKED({
    ours = whose_fd(fd);
    if (ours != 0) {
      char path[PATH_MAX];
      struct stat facts;
      path_of(fd, path);
      enum kind kind = ours > 0 ? enter("sync", path) : ERROR;
      int failing = fails(kind, 0);
      struct file *file = fstat(fd, &facts) == 0 ? known(facts.st_dev, facts.st_ino) : NULL;
      if (kind == LOST && file != NULL && file->durable != NULL && file->shown == NULL)
        file->shown = slurp(file->fd, &file->shown_size);
      if (!failing && !lying) {
        if (S_ISDIR(facts.st_mode)) sync_folder(path);
        else if (file != NULL && file->durable != NULL) make_durable(file);
      }
      done = failing || kind == LATE ? -1 : 0;
      errno = kind == ROOM ? ENOSPC : EIO;
    }
  })
  return ours == 0 ? real(fd) : done;
}

int fsync(int fd) { return sync_any(fd, real_fsync); }
int fdatasync(int fd) { return sync_any(fd, real_fsync); }

static int cut(int fd, off_t length) {
  int ours, done = -1;
  LOCKED({
    ours = whose_fd(fd);
    if (ours != 0) {
      char path[PATH_MAX];
      path_of(fd, path);
      enum kind kind = ours > 0 ? enter("truncate", path) : ERROR;
      if (!fails(kind, 0)) {
        remember(fd);
        done = real_ftruncate(fd, length);
        if (kind == LATE) done = -1, errno = EIO;
      }
    }
  })
  return ours == 0 ? real_ftruncate(fd, length) : done;
}
int ftruncate(int fd, off_t length) { return cut(fd, length); }
int ftruncate64(int fd, off_t length) { return cut(fd, length); }

int renameat(int from_dir, const char *from, int to_dir, const char *to) {
  char source[PATH_MAX], target[PATH_MAX], backup[PATH_MAX];
  absolute(from_dir, from, source);
  absolute(to_dir, to, target);
  int ours, done = -1;
  LOCKED({
    ours = whose(target);
    if (ours != 0) {
      enum kind kind = ours > 0 ? enter("rename", target) : ERROR;
      if (!fails(kind, 0)) {
        const char *old = back_up(target, backup);
        done = real_renameat(AT_FDCWD, source, AT_FDCWD, target);
        if (done == 0) note('r', source, target, old);
        if (done == 0 && kind == LATE) done = -1, errno = EIO;
      }
    }
  })
  return ours == 0 ? real_renameat(from_dir, from, to_dir, to) : done;
}
int rename(const char *from, const char *to) { return renameat(AT_FDCWD, from, AT_FDCWD, to); }

int unlinkat(int dir, const char *path, int flags) {
  char place[PATH_MAX], backup[PATH_MAX];
  absolute(dir, path, place);
  int ours, done = -1;
  LOCKED({
    ours = whose(place);
    if (ours != 0) {
      enum kind kind = ours > 0 ? enter("unlink", place) : ERROR;
      if (!fails(kind, 0)) {
        const char *old = flags & AT_REMOVEDIR ? NULL : back_up(place, backup);
        done = real_unlinkat(AT_FDCWD, place, flags);
        if (done == 0 && old != NULL) note('u', NULL, place, old);
        if (done == 0 && kind == LATE) done = -1, errno = EIO;
      }
    }
  })
  return ours == 0 ? real_unlinkat(dir, path, flags) : done;
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

int mkdirat(int dir, const char *path, mode_t mode) {
  char place[PATH_MAX];
  absolute(dir, path, place);
  int ours, done = -1;
  LOCKED({
    ours = whose(place);
    if (ours != 0) {
      enum kind kind = ours > 0 ? enter("mkdir", place) : ERROR;
      if (!fails(kind, 1)) {
        done = real_mkdirat(AT_FDCWD, place, mode);
        if (done == 0) note('m', NULL, place, NULL);
        if (done == 0 && kind == LATE) done = -1, errno = EIO;
      }
    }
  })
  return ours == 0 ? real_mkdirat(dir, path, mode) : done;
}
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }
