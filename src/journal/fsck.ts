import { systemClock } from '../platform/clock.ts'
import type { MasterKey } from '../platform/encryption.ts'
import { messageOf, systemCodeOf } from '../platform/errors.ts'
import type { JournalFiles } from './files/journal-files.ts'
import { nodeFiles } from './files/node-files.ts'
import { decodeFrame } from './frame-codec.ts'
import type { Shard } from './journal.ts'
import { readDescription } from './segment/description.ts'
import { loadHead } from './segment/head-file.ts'
import { type Head, segmentFirstOf, segmentName, shardFolder } from './segment/layout.ts'
import type { Finding } from './segment/recovery.ts'
import { openSegment, type Segment } from './segment/segment.ts'
import type { Walked } from './segment/walker.ts'
import { decodeSpoolRecord } from './spool/spool-record.ts'

export interface FsckOptions {
  readonly master: MasterKey
  readonly files?: JournalFiles
}

export interface FsckReport {
  readonly findings: readonly Finding[]
  /** Sound frames, and the bytes of their segments that were read. */
  readonly frames: number
  readonly bytes: number
}

const RESTORE =
  'Restore the file from a backup while Clew is stopped; until then readers step over it.'

/** Throws where a stored frame, decrypted, has no known form. */
type CheckForm = (plain: Buffer) => void

const checkSpoolForm: CheckForm = (plain) => {
  const record = decodeSpoolRecord(plain)
  if (record.kind === 'entry') decodeFrame(record.frame)
}

interface ShardCheck {
  readonly form: CheckForm
  readonly shard: Shard
  readonly findings: Finding[]
  frames: number
  bytes: number
}

const judge = (segment: Segment, step: Walked, form: CheckForm): string | undefined => {
  if (step.kind === 'gap') return `${step.reason} at offset ${step.offset}`
  const plain = segment.unseal(step)
  if (plain === undefined) return `the bytes at offset ${step.offset} were altered`
  try {
    form(plain)
    return undefined
  } catch (error) {
    return `the frame at offset ${step.offset} has no known form: ${messageOf(error)}`
  }
}

/** Reads one segment up to where the next begins or the head ends. */
const checkSegment = async (
  check: ShardCheck,
  segment: Segment,
  extent: { first: number; end: number; limit: number },
): Promise<void> => {
  const file = segmentName(extent.first)
  const report = (sequence: number, what: string): void => {
    check.findings.push({ file, shard: check.shard, sequence, what, todo: RESTORE })
  }
  if (segment.header.first !== extent.first || segment.header.shard !== check.shard) {
    report(extent.first, 'The file lies in another place than its header says.')
  }
  const walker = segment.walker(extent.limit)
  let next = extent.first
  for (let step = await walker.next(true); step !== undefined; step = await walker.next(true)) {
    const sequence = step.kind === 'gap' ? step.sequence : step.header.sequence
    if (sequence >= extent.end) return
    const wrong = judge(segment, step, check.form)
    if (wrong === undefined) check.frames++
    else report(sequence, `Sequence ${sequence}: ${wrong}.`)
    if (step.kind === 'frame') next = sequence + 1
    else next = Math.max(next, sequence)
    check.bytes += step.end - step.offset
  }
  const last = check.findings.at(-1)
  const told = last?.file === file && (last.sequence ?? 0) >= next
  if (next < extent.end && !told)
    report(next, `Sequences ${next} to ${extent.end - 1} are missing.`)
}

const checkFile = async (
  check: ShardCheck,
  path: string,
  context: {
    files: JournalFiles
    master: MasterKey
    first: number
    end: number
    head: Head | undefined
  },
): Promise<void> => {
  const { files, master, first, end, head } = context
  const segment = await openSegment(files, path, master)
  if (segment === undefined) {
    const file = segmentName(first)
    const what = 'The header of the segment is damaged: none of its frames can be read.'
    check.findings.push({ file, shard: check.shard, sequence: first, what, todo: RESTORE })
    return
  }
  try {
    const size = await segment.size()
    const limit = head?.segmentFirst === first ? Math.min(head.segmentBytes, size) : size
    await checkSegment(check, segment, { first, end, limit })
  } finally {
    await segment.close()
  }
}

/**
 * Checks every frame of the journal, also beside the process that appends: up to the head that is
 * durable at the start. Rejects with EncryptionError under another master key.
 */
export const fsckJournal = (folder: string, options: FsckOptions): Promise<FsckReport> =>
  checkFolder(folder, options, decodeFrame)

/** The same for the spool, which has the journal's form with records of its own. */
export const fsckSpool = (folder: string, options: FsckOptions): Promise<FsckReport> =>
  checkFolder(folder, options, checkSpoolForm)

const checkFolder = async (
  folder: string,
  options: FsckOptions,
  form: CheckForm,
): Promise<FsckReport> => {
  const { files = nodeFiles, master } = options
  const shards = await readDescription(files, folder, systemClock, 0)
  const checks: ShardCheck[] = []
  for (let shard = 0; shard < shards; shard++) {
    const check: ShardCheck = { form, shard, findings: [], frames: 0, bytes: 0 }
    checks.push(check)
    const path = `${folder}/${shardFolder(shard)}`
    const head = await loadHead(files, path)
    const last = head?.segmentFirst ?? Number.POSITIVE_INFINITY
    const firsts = (await files.list(path))
      .map(segmentFirstOf)
      .filter((first) => first !== undefined)
      .filter((first) => first >= (head?.first ?? 0) && first <= last)
    for (const [index, first] of firsts.entries()) {
      const end = firsts[index + 1] ?? head?.next ?? Number.POSITIVE_INFINITY
      const file = `${path}/${segmentName(first)}`
      try {
        await checkFile(check, file, { files, master, first, end, head })
      } catch (error) {
        // Truncation may remove a file while it is being checked; it is then below the first.
        const now = systemCodeOf(error) === 'ENOENT' ? await loadHead(files, path) : undefined
        if (now === undefined || first >= now.first) throw error
      }
    }
  }
  return {
    findings: checks.flatMap((check) => check.findings),
    frames: checks.reduce((sum, check) => sum + check.frames, 0),
    bytes: checks.reduce((sum, check) => sum + check.bytes, 0),
  }
}
