import assert from 'node:assert/strict'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { readConfig } from '../../../config.ts'
import { type Clock, systemClock } from '../../../platform/clock.ts'
import type { DoctorContext, Finding, SystemRoots } from '../finding.ts'
import { encryptionOf, isRotational, mountOf } from './block-device.ts'
import { checkClock } from './clock.ts'
import { checkDisk, judgeJournal, judgeRoom, judgeSync } from './disk.ts'
import { checkFileSystem, judgeKind } from './file-system.ts'
import { checkLimits, judgeMemory, judgeOpenFiles, memoryLimitOf } from './limits.ts'
import { checkNode } from './node.ts'

const GIB = 2 ** 30

const temporary = (t: TestContext): string => {
  const folder = mkdtempSync(join(tmpdir(), 'clew-doctor-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

const put = (root: string, files: Readonly<Record<string, string>>): void => {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), text)
  }
}

/** A system of its own below `folder`, which the check reads as /proc and /sys. */
const rootsIn = (folder: string): SystemRoots => ({
  proc: join(folder, 'proc'),
  sys: join(folder, 'sys'),
})

const contextOf = (data: string, more: Partial<DoctorContext> = {}): DoctorContext => ({
  config: readConfig(new Map([['data', data]]), {}),
  clock: systemClock,
  roots: { proc: '/proc', sys: '/sys' },
  ...more,
})

const levels = (findings: readonly Finding[]): string[] => findings.map(({ level }) => level)

/** Linux's number of the device below `folder`, as /sys names it. */
const deviceOf = (folder: string): string => {
  const dev = statSync(folder).dev
  return `${(dev >> 8) & 0xfff}:${(dev & 0xff) | ((dev >> 12) & 0xfff00)}`
}

describe('doctor: Node.js', () => {
  it('refuses an old one and wants --no-maglev', () => {
    assert.deepEqual(levels(checkNode({ version: '24.21.0', flags: ['--no-maglev'] })), [
      'ok',
      'ok',
    ])
    assert.deepEqual(levels(checkNode({ version: '24.11.9', flags: [] })), ['fail', 'warn'])
    assert.deepEqual(levels(checkNode({ version: '26.0.0', flags: ['--no-maglev'] })), [
      'warn',
      'ok',
    ])
  })
})

describe('doctor: disk', () => {
  it('warns at 90 % and fails at 95 %, as the journal does', () => {
    const room = (free: number, inodes = 0.5) =>
      levels(judgeRoom('it', { total: 1000 * GIB, free: free * GIB, inodes }))
    assert.deepEqual(room(101), ['ok'])
    assert.deepEqual(room(99), ['warn'])
    assert.deepEqual(room(50), ['fail'])
    assert.deepEqual(room(101, 0.01), ['ok', 'warn'])
    // 5 % of a small disk is little, long before 90 %.
    assert.deepEqual(levels(judgeRoom('it', { total: GIB, free: GIB, inodes: undefined })), [
      'warn',
    ])
    assert.deepEqual(
      [89, 90, 95].map((bytes) => judgeJournal(bytes, 100).level),
      ['ok', 'warn', 'fail'],
    )
  })

  it('counts the segments that are there, and leaves nothing behind', async (t) => {
    const data = temporary(t)
    put(data, { 'journal/0/1.seg': 'x'.repeat(96) })
    const config = readConfig(
      new Map([
        ['data', data],
        ['journal.maxBytes', '100'],
      ]),
      {},
    )
    const findings = await checkDisk(contextOf(data, { config }))
    const journal = findings.find(({ what }) => what.includes('journal.maxBytes'))
    assert.equal(journal?.level, 'fail')
    assert.match(findings.at(-1)?.what ?? '', /^fdatasync .* ms \(p50\)/)
    assert.deepEqual(readdirSync(data), ['journal'])
  })

  it('judges fdatasync by its median, its tail and what the disk can do', () => {
    const times = (p50: number, p99: number) => [
      ...Array<number>(195).fill(p50),
      ...Array(5).fill(p99),
    ]
    assert.equal(judgeSync(times(0.3, 3), false).level, 'ok')
    assert.equal(judgeSync(times(12, 13), false).level, 'warn')
    assert.equal(judgeSync(times(0.3, 80), undefined).level, 'warn')
    assert.match(judgeSync(times(0.1, 0.2), true).what, /too fast for a disk that turns/)
    assert.equal(judgeSync(times(8, 12), true).level, 'ok')
  })
})

describe('doctor: file system', () => {
  it('advises against what loses data or has no locks', () => {
    assert.equal(judgeKind(0xef53).level, 'ok')
    assert.match(judgeKind(0x01021994).what, /^tmpfs/)
    assert.equal(judgeKind(0x6969).level, 'fail')
  })

  it('tries what Clew rests on, in a folder of its own', async (t) => {
    const data = temporary(t)
    const findings = await checkFileSystem(contextOf(data))
    assert.match(findings.at(-1)?.what ?? '', /^works: replace a file by rename, fsync of a folder/)
    assert.deepEqual(readdirSync(data), [])
    const absent = await checkFileSystem(contextOf(join(data, 'none')))
    assert.equal(absent.at(-1)?.level, 'skip')
    assert.deepEqual(readdirSync(data), [])
  })

  it('finds dm-crypt, also below another device, and says when the key lies beside the data', async (t) => {
    const folder = temporary(t)
    const roots = rootsIn(folder)
    assert.equal(encryptionOf(folder, roots), 'unknown')
    const device = join(roots.sys, 'devices', 'dm-1')
    put(device, { 'dm/uuid': 'LVM-abc\n', 'queue/rotational': '1\n' })
    mkdirSync(join(roots.sys, 'dev', 'block'), { recursive: true })
    symlinkSync(device, join(roots.sys, 'dev', 'block', deviceOf(folder)))
    assert.equal(encryptionOf(folder, roots), 'plain')
    assert.equal(isRotational(folder, roots), true)
    const [, plain] = await checkFileSystem(contextOf(folder, { roots }))
    assert.match(plain?.what ?? '', /not encrypted, and master.key lies on it/)
    put(join(roots.sys, 'devices', 'dm-0'), { 'dm/uuid': 'CRYPT-LUKS2-abc\n' })
    mkdirSync(join(device, 'slaves'))
    symlinkSync(join(roots.sys, 'devices', 'dm-0'), join(device, 'slaves', 'dm-0'))
    assert.equal(encryptionOf(folder, roots), 'encrypted')
  })

  it('reads the mount table: the deepest mount, the last of equal ones', (t) => {
    const folder = temporary(t)
    put(folder, {
      'proc/self/mountinfo':
        '1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 0:5 / /srv\\040a rw,x shared:1 - tmpfs none rw\n3 2 0:6 / /srv\\040a rw - fuse.gocryptfs x rw\n',
    })
    const roots = rootsIn(folder)
    assert.equal(mountOf('/srv a/data', roots)?.type, 'fuse.gocryptfs')
    assert.equal(mountOf('/srv ab', roots)?.source, '/dev/sda1')
  })
})

describe('doctor: memory and files', () => {
  it('compares limits with what the connections and processes need', () => {
    assert.equal(judgeOpenFiles(undefined, 4096).level, 'ok')
    assert.equal(judgeOpenFiles(8704, 4096).level, 'ok')
    assert.equal(judgeOpenFiles(1024, 4096).level, 'warn')
    assert.equal(judgeOpenFiles(256, 100).level, 'fail')
    assert.equal(judgeMemory('is free', GIB).level, 'ok')
    assert.equal(judgeMemory('is free', 400 * 2 ** 20).level, 'warn')
    assert.equal(judgeMemory('is free', 100 * 2 ** 20).level, 'fail')
  })

  it('finds the lowest limit of the control groups above, of both versions', (t) => {
    const folder = temporary(t)
    const roots = rootsIn(folder)
    assert.equal(memoryLimitOf(roots), undefined)
    put(folder, {
      'proc/self/cgroup': '0::/a/b\n',
      'proc/meminfo': 'MemTotal: 9 kB\nMemAvailable:   204800 kB\n',
      'sys/fs/cgroup/a/memory.max': `${400 * 2 ** 20}\n`,
      'sys/fs/cgroup/a/b/memory.max': 'max\n',
    })
    assert.equal(memoryLimitOf(roots), 400 * 2 ** 20)
    assert.deepEqual(levels(checkLimits(contextOf(folder, { roots }), false)).slice(1), [
      'warn',
      'fail',
    ])
    assert.deepEqual(levels(checkLimits(contextOf(folder, { roots }), true)).slice(1), [
      'warn',
      'skip',
    ])
    put(folder, {
      'proc/self/cgroup': '4:cpu,memory:/docker/x\n3:pids:/\n',
      'sys/fs/cgroup/memory/memory.limit_in_bytes': '12345\n',
    })
    assert.equal(memoryLimitOf(roots), 12345)
  })
})

describe('doctor: clock', () => {
  const clockOf = (wall: number[], monotonic: number[]): Clock => ({
    now: () => wall.shift() ?? 0,
    monotonic: () => monotonic.shift() ?? 0,
    sleep: async () => {},
  })

  it('tells a clock that is wrong, jumps, stands still or was set back', async (t) => {
    const data = temporary(t)
    const now = Date.now()
    const judged = async (clock: Clock) => levels(await checkClock(contextOf(data, { clock })))
    assert.deepEqual(await judged(systemClock), ['ok'])
    assert.deepEqual(await judged(clockOf([0], [1])), ['fail'])
    assert.deepEqual(await judged(clockOf([now, now - 60_000, now], [1, 51])), ['warn'])
    assert.deepEqual(await judged(clockOf([now, now + 50, now], [1, 1])), ['fail'])
    put(data, { 'format.json': '{}' })
    const later = now / 1000 + 3600
    utimesSync(join(data, 'format.json'), later, later)
    assert.deepEqual(await judged(systemClock), ['ok', 'warn'])
  })
})
