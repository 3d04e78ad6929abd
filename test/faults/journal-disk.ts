/**
 * A file system in memory that knows what a power loss keeps, and that fails on demand: the disk of
 * the journal's and the spool's fault tests.
 */
import { dirname } from 'node:path'
import type { JournalFile, JournalFiles } from '../../src/journal/files/journal-files.ts'
import { JournalError } from '../../src/journal/journal.ts'

/**
 * - `error`: the call fails without effect; `no-room`: ENOSPC, half of a write being done;
 * - `late-error`: it has its effect and fails all the same;
 * - `short`: a write writes half and says so; `torn`: it writes half and fails;
 * - `lost`: fdatasync fails and the kernel forgets that the pages are dirty (Linux does);
 * - `crash`: the process dies at this call, half of a write being done.
 */
export type Fault = 'error' | 'no-room' | 'late-error' | 'short' | 'torn' | 'lost' | 'crash'

export interface Call {
  readonly name: string
  readonly path: string
}

type Change = { offset: number; bytes: Buffer } | { length: number }

interface Inode {
  live: Buffer
  durable: Buffer
  /** Changes since the last fdatasync, in order. */
  changes: Change[]
}

const apply = (content: Buffer, change: Change): Buffer => {
  if ('length' in change) {
    const cut = content.subarray(0, change.length)
    return Buffer.concat([cut], change.length)
  }
  const end = change.offset + change.bytes.length
  const next = Buffer.concat([content], Math.max(content.length, end))
  change.bytes.copy(next, change.offset)
  return next
}

const failure = (code: string): Error =>
  Object.assign(new Error(`${code}: injected`), { code, errno: -1 })

const SECTOR = 512

export class FaultyDisk implements JournalFiles {
  /** Decides what happens at each call. */
  fault: (call: Call, index: number) => Fault | undefined = () => undefined
  calls = 0
  disk = { total: 1e12, free: 1e12 }
  #names = new Map<string, Inode>()
  #durableNames = new Map<string, Inode>()
  /** Names as they were after each change since the last sync of a folder. */
  #nameStates: Map<string, Inode>[] = []
  #locks = new Set<string>()
  #watchers = new Map<string, Set<() => void>>()
  #epoch = 0
  #dead = false

  get names(): string[] {
    return [...this.#names.keys()].sort()
  }

  content(path: string): Buffer {
    return Buffer.from(this.#inode(path).live)
  }

  /** Damages or replaces a file behind everybody's back, durably. */
  overwrite(path: string, content: Buffer): void {
    const inode = this.#inode(path)
    inode.live = Buffer.from(content)
    inode.durable = Buffer.from(content)
    inode.changes = []
  }

  removeFile(path: string): void {
    this.#names.delete(path)
    this.#durableNames.delete(path)
  }

  /** The process died; the machine runs on, so that all it wrote is there. */
  restartProcess(): void {
    this.#epoch++
    this.#dead = false
    this.#locks.clear()
    this.#watchers.clear()
    this.fault = () => undefined
  }

  /** `random` decides which sectors and names that were not synced survive. */
  losePower(random: () => number): void {
    this.restartProcess()
    const states = [this.#durableNames, ...this.#nameStates]
    this.#names = new Map(states[Math.floor(random() * states.length)])
    for (const inode of new Set(this.#names.values())) {
      let content = inode.durable
      for (const change of inode.changes) content = this.#surviving(content, change, random)
      inode.live = content
      inode.durable = content
      inode.changes = []
    }
    this.#durableNames = new Map(this.#names)
    this.#nameStates = []
  }

  #surviving(content: Buffer, change: Change, random: () => number): Buffer {
    if ('length' in change) return random() < 0.5 ? content : apply(content, change)
    let next = content
    for (let at = 0; at < change.bytes.length; at += SECTOR) {
      if (random() < 0.5) continue
      const bytes = change.bytes.subarray(at, at + SECTOR)
      next = apply(next, { offset: change.offset + at, bytes })
    }
    return next
  }

  async open(path: string, mode: 'read' | 'write' | 'create'): Promise<JournalFile> {
    return this.#call('open', path, () => {
      if (mode === 'create') {
        const known = this.#names.get(path)
        if (known === undefined) {
          this.#names.set(path, { live: Buffer.alloc(0), durable: Buffer.alloc(0), changes: [] })
          this.#namesChanged()
        } else this.#change(known, { length: 0 })
      }
      return this.#file(path, this.#inode(path))
    })
  }

  async list(folder: string): Promise<string[]> {
    return this.#call('list', folder, () =>
      this.names
        .filter((path) => dirname(path) === folder)
        .map((path) => path.slice(folder.length + 1)),
    )
  }

  async makeFolder(folder: string): Promise<void> {
    await this.#call('makeFolder', folder, () => {})
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#call('rename', to, () => {
      this.#names.set(to, this.#inode(from))
      this.#names.delete(from)
      this.#namesChanged()
    })
  }

  async unlink(path: string): Promise<void> {
    await this.#call('unlink', path, () => {
      this.#inode(path)
      this.#names.delete(path)
      this.#namesChanged()
    })
  }

  async syncFolder(folder: string): Promise<void> {
    // Syncing one folder makes the whole file system's journal durable, as ext4 does.
    await this.#call('syncFolder', folder, () => {
      this.#durableNames = new Map(this.#names)
      this.#nameStates = []
    })
  }

  async statfs(folder: string): Promise<{ total: number; free: number }> {
    return this.#call('statfs', folder, () => this.disk)
  }

  async lock(folder: string): Promise<AsyncDisposable> {
    return this.#call('lock', folder, () => {
      if (this.#locks.has(folder)) throw new JournalError('locked', folder)
      this.#locks.add(folder)
      const epoch = this.#epoch
      return {
        [Symbol.asyncDispose]: async () => {
          if (epoch === this.#epoch) this.#locks.delete(folder)
        },
      }
    })
  }

  watch(path: string, changed: () => void): Disposable {
    const watchers = this.#watchers.get(path) ?? new Set()
    this.#watchers.set(path, watchers.add(changed))
    return { [Symbol.dispose]: () => watchers.delete(changed) }
  }

  #file(path: string, inode: Inode): JournalFile {
    return {
      read: (target, position) =>
        this.#call('read', path, () => inode.live.copy(target, 0, position)),
      writev: (buffers, position) => this.#write(path, inode, Buffer.concat(buffers), position),
      fdatasync: () => this.#sync(path, inode),
      truncate: (length) => this.#call('truncate', path, () => this.#change(inode, { length })),
      size: () => this.#call('size', path, () => inode.live.length),
      close: () => this.#call('close', path, () => {}),
    }
  }

  async #write(path: string, inode: Inode, bytes: Buffer, position: number): Promise<number> {
    const fault = this.#enter('write', path)
    const half = bytes.subarray(0, Math.floor(bytes.length / 2))
    const partly = fault !== undefined && fault !== 'late-error'
    const written = partly ? half : bytes
    if (fault !== 'error') {
      this.#change(inode, { offset: position, bytes: Buffer.from(written) })
    }
    for (const changed of this.#watchers.get(path) ?? []) changed()
    if (fault === 'crash') this.#die()
    if (fault === 'no-room') throw failure('ENOSPC')
    if (fault !== undefined && fault !== 'short') throw failure('EIO')
    return written.length
  }

  async #sync(path: string, inode: Inode): Promise<void> {
    const fault = this.#enter('fdatasync', path)
    if (fault === 'crash') this.#die()
    if (fault === 'lost') inode.changes = []
    if (fault === undefined || fault === 'late-error') {
      inode.durable = inode.changes.reduce(apply, inode.durable)
      inode.changes = []
    }
    if (fault === 'no-room') throw failure('ENOSPC')
    if (fault !== undefined) throw failure('EIO')
  }

  async #call<Result>(name: string, path: string, effect: () => Result): Promise<Result> {
    const fault = this.#enter(name, path)
    if (fault === 'crash') this.#die()
    if (fault === 'no-room') throw failure('ENOSPC')
    if (fault !== undefined && fault !== 'late-error') throw failure('EIO')
    const result = effect()
    if (fault === 'late-error') throw failure('EIO')
    return result
  }

  #enter(name: string, path: string): Fault | undefined {
    if (this.#dead) throw failure('EDEAD')
    return this.fault({ name, path }, this.calls++)
  }

  #die(): never {
    this.#dead = true
    throw failure('EDEAD')
  }

  #inode(path: string): Inode {
    const inode = this.#names.get(path)
    if (inode === undefined) throw failure('ENOENT')
    return inode
  }

  #change(inode: Inode, change: Change): void {
    inode.live = apply(inode.live, change)
    inode.changes.push(change)
  }

  #namesChanged(): void {
    this.#nameStates.push(new Map(this.#names))
  }
}

/** A small generator of equal numbers for equal seeds (mulberry32). */
export const seeded = (seed: number): (() => number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/**
 * Runs `work` now and gives a test that tells how it went. The test runner follows every promise of a
 * test, which makes these many short runs twice as slow; what runs before the first test is spared.
 */
export const outcomeOf = async (work: () => Promise<void>): Promise<() => void> => {
  try {
    await work()
    return () => {}
  } catch (error) {
    return () => {
      throw error
    }
  }
}
