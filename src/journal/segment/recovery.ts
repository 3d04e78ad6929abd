/**
 * What a shard does when it is opened (DESIGN.md §4, docs/formats/journal.md). A crash can only have
 * hurt the last commit group, and only where the published head had not passed it:
 * - such a group is cut off at its first damaged byte; nothing of it was acknowledged;
 * - what is sound of it is written anew into a new segment, because after a failed fdatasync the page
 *   cache may show bytes that the disk does not have;
 * - any other damaged place is kept as it is, reported, and stepped over by readers.
 */
import type { MasterKey } from '../../platform/encryption.ts'
import { type JournalFiles, TEMPORARY } from '../files/journal-files.ts'
import type { Sequence, Shard } from '../journal.ts'
import { loadHead } from './head-file.ts'
import { type Head, SEGMENT_HEADER_BYTES, segmentFirstOf, segmentName } from './layout.ts'
import { DUPLICATE_WINDOW_MS, RecentIds } from './recent-ids.ts'
import { openSegment, type Segment } from './segment.ts'
import { createSegment, type PlainFrame, type SegmentWriter } from './segment-writer.ts'
import type { WalkedFrame, WalkedGap } from './walker.ts'

/** Something wrong with the files, for people: what, where, and what to do. */
export interface Finding {
  readonly file: string
  readonly shard: Shard
  /** The first sequence concerned, where one is known. */
  readonly sequence?: Sequence
  readonly what: string
  readonly todo: string
}

export interface SegmentFacts {
  readonly first: Sequence
  readonly createdAt: number
  bytes: number
}

export interface RecoveredShard {
  /** Ascending; the last one may be the writer's. */
  readonly segments: SegmentFacts[]
  readonly next: Sequence
  readonly recent: RecentIds
  /** Set where the last group was written anew: appending goes on in that segment. */
  readonly writer?: SegmentWriter
  readonly findings: readonly Finding[]
  /** Bytes of unacknowledged frames that were torn and are gone. */
  readonly cutBytes: number
  /** Sound frames whose durability was not certain and that were written anew. */
  readonly rewrittenFrames: number
}

export interface RecoveryOptions {
  readonly files: JournalFiles
  readonly folder: string
  readonly shard: Shard
  readonly master: MasterKey
  /** Epoch milliseconds. */
  readonly now: number
}

interface GroupFrame extends PlainFrame {
  readonly sequence: Sequence
  readonly offset: number
  readonly end: number
}

/** The last segment, read to its end; of its frames only those of the last group are kept. */
interface Scan {
  readonly size: number
  readonly groupFirst: Sequence
  readonly group: readonly GroupFrame[]
  readonly gaps: readonly WalkedGap[]
}

const remember = (recent: RecentIds, frame: WalkedFrame, now: number): void => {
  const { appendedAt, idHash, sequence } = frame.header
  if (appendedAt >= now - DUPLICATE_WINDOW_MS) recent.add(idHash, sequence, appendedAt)
}

const scanSegment = async (segment: Segment, recent: RecentIds, now: number): Promise<Scan> => {
  const size = await segment.size()
  const walker = segment.walker(size)
  const gaps: WalkedGap[] = []
  let group: GroupFrame[] = []
  let groupFirst = segment.header.first
  for (let step = await walker.next(true); step !== undefined; step = await walker.next(true)) {
    const plain = step.kind === 'frame' ? segment.unseal(step) : undefined
    if (step.kind === 'gap') gaps.push(step)
    else if (plain === undefined) {
      const { offset, end, header } = step
      gaps.push({ kind: 'gap', offset, end, sequence: header.sequence, reason: 'it was altered' })
    } else {
      const { sequence, idHash, appendedAt } = step.header
      if (step.header.groupFirst !== groupFirst) group = []
      groupFirst = step.header.groupFirst
      const { offset, end } = step
      group.push({ sequence, offset, end, bytes: plain, idHash, appendedAt })
      remember(recent, step, now)
    }
  }
  return { size, groupFirst, group, gaps }
}

/** Where the file is cut, and which sound frames behind that place are written anew. */
interface Verdict {
  readonly cutAt: number
  readonly rewrite: readonly GroupFrame[]
  readonly kept: readonly WalkedGap[]
  readonly tornBytes: number
}

/** `durable`: the head says that the file was durable up to here. */
const judge = (scan: Scan, durable: number): Verdict => {
  const groupEnd = scan.group.at(-1)?.end ?? SEGMENT_HEADER_BYTES
  const inLastGroup = (gap: WalkedGap): boolean =>
    gap.offset >= durable && (gap.offset >= groupEnd || gap.sequence >= scan.groupFirst)
  const tornAt = scan.gaps.find(inLastGroup)?.offset ?? scan.size
  const sound = scan.group.filter((frame) => frame.offset >= durable && frame.end <= tornAt)
  return {
    cutAt: sound[0]?.offset ?? tornAt,
    rewrite: sound,
    kept: scan.gaps.filter((gap) => !inLastGroup(gap)),
    tornBytes: scan.size - tornAt,
  }
}

const lost = (shard: Shard, file: string, sequence: Sequence, what: string): Finding => ({
  file,
  shard,
  sequence,
  what,
  todo: 'Restore the file from a backup while Clew is stopped; until then readers step over it.',
})

/** Cuts and rewrites as `verdict` says; every step may be the last one before another crash. */
const repair = async (
  options: RecoveryOptions,
  facts: SegmentFacts,
  verdict: Verdict,
): Promise<SegmentWriter | undefined> => {
  const { files, folder } = options
  const [start] = verdict.rewrite
  const writer =
    start === undefined
      ? undefined
      : await createSegment(files, folder, { ...options, first: start.sequence }, verdict.rewrite)
  // The new segment took over the name, and so the place, of one in which nothing else was.
  if (writer?.first === facts.first) return writer
  if (verdict.cutAt < facts.bytes) {
    const file = await files.open(`${folder}/${segmentName(facts.first)}`, 'write')
    try {
      await file.truncate(verdict.cutAt)
      await file.fdatasync()
    } finally {
      await file.close()
    }
    facts.bytes = verdict.cutAt
  }
  return writer
}

/** Facts of all segments, ascending; unfinished files are removed on the way. */
const surveySegments = async (
  options: RecoveryOptions,
  recent: RecentIds,
  findings: Finding[],
): Promise<SegmentFacts[]> => {
  const { files, folder, shard, master, now } = options
  const names = await files.list(folder)
  for (const name of names.filter((each) => each.endsWith(TEMPORARY))) {
    await files.unlink(`${folder}/${name}`)
  }
  const segments: SegmentFacts[] = []
  let later = Number.POSITIVE_INFINITY
  for (const first of names.map(segmentFirstOf).toReversed()) {
    if (first === undefined) continue
    const name = segmentName(first)
    const segment = await openSegment(files, `${folder}/${name}`, master)
    if (segment === undefined) {
      findings.push(lost(shard, name, first, 'The header of the segment is damaged.'))
      segments.unshift({ first, createdAt: later, bytes: 0 })
      continue
    }
    const bytes = await segment.size()
    const isLast = segments.length === 0
    segments.unshift({ first, createdAt: segment.header.createdAt, bytes })
    const end = segments[1]?.first ?? Number.POSITIVE_INFINITY
    // The last segment is read by `scanSegment`; older ones only while they hold recent ids.
    if (!isLast && later >= now - DUPLICATE_WINDOW_MS) {
      const walker = segment.walker(bytes)
      for (let step = await walker.next(false); step; step = await walker.next(false)) {
        if (step.kind === 'frame' && step.header.sequence < end) remember(recent, step, now)
      }
    }
    later = segment.header.createdAt
    await segment.close()
  }
  return segments
}

/** How much of the last segment the head vouches for. */
const durableBytes = (head: Head | undefined, last: SegmentFacts): number => {
  if (head === undefined || head.segmentFirst < last.first) return SEGMENT_HEADER_BYTES
  return head.segmentFirst === last.first ? head.segmentBytes : last.bytes
}

/**
 * Brings one shard's files into order. Rejects with EncryptionError under another master key, with
 * JournalError `unsupported` for a newer format, and with system errors.
 */
export const recoverShard = async (options: RecoveryOptions): Promise<RecoveredShard> => {
  const { files, folder, shard, master, now } = options
  await files.makeFolder(folder)
  const head = await loadHead(files, folder)
  const recent = new RecentIds()
  const findings: Finding[] = []
  const segments = await surveySegments(options, recent, findings)
  const headNext = head?.next ?? 1
  const last = segments.at(-1)
  const idle = { segments, recent, findings, cutBytes: 0, rewrittenFrames: 0 }
  if (last === undefined) return { ...idle, next: headNext }
  const name = segmentName(last.first)
  const segment = await openSegment(files, `${folder}/${name}`, master)
  // A sequence is never given twice: behind a segment whose frames are lost, numbers are left out.
  if (segment === undefined) return { ...idle, next: Math.max(headNext, last.first + 1) }

  let scan: Scan
  try {
    scan = await scanSegment(segment, recent, now)
  } finally {
    await segment.close()
  }
  const verdict = judge(scan, durableBytes(head, last))
  for (const gap of verdict.kept) {
    findings.push(lost(shard, name, gap.sequence, `Offset ${gap.offset}: ${gap.reason}.`))
  }
  const writer = await repair(options, last, verdict)
  const lastKept = scan.group.findLast((frame) => frame.end <= scan.size - verdict.tornBytes)
  const found =
    lastKept === undefined ? Math.max(scan.groupFirst, last.first) : lastKept.sequence + 1
  recent.forgetFrom(found)
  const told = verdict.kept.some((gap) => gap.sequence >= found)
  if (headNext > found && !told) {
    findings.push(lost(shard, name, found, `Sequences ${found} to ${headNext - 1} are missing.`))
  }
  if (writer !== undefined) {
    const facts = { first: writer.first, createdAt: writer.createdAt, bytes: writer.bytes }
    if (writer.first === last.first) segments.pop()
    segments.push(facts)
  }
  return {
    ...idle,
    next: Math.max(found, headNext),
    cutBytes: verdict.tornBytes,
    rewrittenFrames: verdict.rewrite.length,
    ...(writer === undefined ? {} : { writer }),
  }
}
