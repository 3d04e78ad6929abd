/** Whether the file system does what Clew's promises rest on, and whether its volume is encrypted. */
import { link, readFile, rename, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { syncFolder, writeFileDurably } from '../../../platform/durable-files.ts'
import { messageOf } from '../../../platform/errors.ts'
import { openDatabase } from '../../../platform/sqlite.ts'
import { type DoctorContext, type Finding, fail, ok, skip, warn } from '../finding.ts'
import { encryptionOf } from './block-device.ts'
import { nearestExisting, withProbeFolder } from './probe-folder.ts'

const LOCAL = 'put the data folder on a local disk (ext4, xfs, btrfs) with --data'

/** statfs(2), f_type: what needs advice. */
const KINDS: Readonly<Record<number, (name: string) => Finding>> = {
  16914836: () => warn('tmpfs: all is gone when the machine or container stops', LOCAL),
  2240043254: () => warn('ramfs: all is gone when the machine stops', LOCAL),
  2035054128: () =>
    warn(
      'overlay: the folder is in a container layer and goes with the container',
      'mount a volume there',
    ),
  26985: () => fail('NFS: locks and shared memory do not work as SQLite needs them', LOCAL),
  4283649346: () => fail('CIFS: locks and shared memory do not work as SQLite needs them', LOCAL),
  4266872130: () => fail('SMB: locks and shared memory do not work as SQLite needs them', LOCAL),
  12805120: () => fail('CephFS: shared memory does not work as SQLite needs it', LOCAL),
  1702057286: () => warn('FUSE: whether fsync reaches a disk depends on what is behind it', LOCAL),
  16914839: () => warn('9p: the host decides whether fsync reaches a disk', LOCAL),
  2020557398: () => warn('a shared folder of VirtualBox: renames and locks are its own', LOCAL),
  19780: () => fail('FAT: it has no permissions and no durable rename', LOCAL),
}

const NAMES: Readonly<Record<number, string>> = {
  61267: 'ext4',
  1481003842: 'xfs',
  2435016766: 'btrfs',
  801189825: 'zfs',
  4076150800: 'f2fs',
  3393526350: 'bcachefs',
  61791: 'ecryptfs',
}

/** `type`: f_type of statfs. */
export const judgeKind = (type: number): Finding =>
  KINDS[type]?.('') ?? ok(`file system: ${NAMES[type] ?? `type 0x${type.toString(16)}`}`)

const checkLocks = (folder: string): void => {
  const path = join(folder, 'lock')
  const first = new DatabaseSync(path)
  const second = new DatabaseSync(path, { timeout: 0 })
  try {
    first.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    let refused = false
    try {
      second.exec('BEGIN EXCLUSIVE')
    } catch {
      refused = true // as it should be
    }
    if (!refused) throw new Error('two openers hold the same lock')
  } finally {
    second.close()
    first.close()
  }
}

const checkWal = (folder: string): void => {
  const database = openDatabase(join(folder, 'wal'), { synchronous: 'FULL' })
  try {
    const mode = database.prepare('PRAGMA journal_mode').get()?.journal_mode
    if (mode !== 'wal') throw new Error(`SQLite falls back to journal_mode ${String(mode)}`)
  } finally {
    database.close()
  }
}

const OPERATIONS: readonly [name: string, run: (folder: string) => Promise<void> | void][] = [
  [
    'replace a file by rename',
    async (folder) => {
      await writeFileDurably(join(folder, 'file'), 'old')
      await writeFile(join(folder, 'next'), 'new')
      await rename(join(folder, 'next'), join(folder, 'file'))
      const text = await readFile(join(folder, 'file'), 'utf8')
      if (text !== 'new') throw new Error(`the file holds '${text}'`)
    },
  ],
  ['fsync of a folder', syncFolder],
  ['hard links', (folder) => link(join(folder, 'file'), join(folder, 'second'))],
  ['locks', checkLocks],
  ['write-ahead logs in shared memory', checkWal],
]

const checkOperations = async (folder: string): Promise<Finding[]> => {
  const broken: Finding[] = []
  for (const [name, run] of OPERATIONS) {
    try {
      await run(folder)
    } catch (error) {
      broken.push(fail(`the file system fails at: ${name} (${messageOf(error)})`, LOCAL))
    }
  }
  const all = OPERATIONS.map(([name]) => name).join(', ')
  return broken.length > 0 ? broken : [ok(`works: ${all}`)]
}

const checkEncryption = ({ config, roots }: DoctorContext): Finding => {
  const found = encryptionOf(nearestExisting(config.data), roots)
  if (found === 'encrypted') return ok('the volume is encrypted')
  if (found === 'unknown') return skip('encryption of the volume: no block device can be asked')
  if (config.masterKeyCommand !== undefined) {
    return ok(
      'the volume is not encrypted; Clew encrypts what it writes and the key lies elsewhere',
      'Parquet tables of a later release will be plain: have an encrypted volume for them',
    )
  }
  return warn(
    'the volume is not encrypted, and master.key lies on it: who takes the disk reads all',
    'use an encrypted volume (LUKS), or keep the key elsewhere (--master-key-command)',
  )
}

export const checkFileSystem = async (context: DoctorContext): Promise<Finding[]> => {
  const { data } = context.config
  const near = nearestExisting(data)
  const findings = [judgeKind((await statfs(near)).type), checkEncryption(context)]
  if (near !== data) {
    return [...findings, skip('rename, locks and fsync: the folder is not there yet')]
  }
  return [...findings, ...(await withProbeFolder(data, checkOperations))]
}
