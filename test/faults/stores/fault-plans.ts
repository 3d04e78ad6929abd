/** Which faults a call can have, and all runs that a store's calls ask for. */
import { seeded } from '../journal-disk.ts'
import type { Wanted } from './run-faults.ts'

/** Kinds of shim/faults.c by the kind of call; what changes nothing can only fail. */
const KINDS: Readonly<Record<string, readonly string[]>> = {
  write: ['error', 'late-error', 'no-room', 'full', 'short', 'torn', 'crash', 'power'],
  sync: ['error', 'late-error', 'no-room', 'lost', 'crash', 'power'],
  'open+': ['error', 'no-room', 'full', 'crash', 'power'],
  mkdir: ['error', 'no-room', 'crash', 'power'],
  rename: ['error', 'late-error', 'no-room', 'crash', 'power'],
  unlink: ['error', 'late-error', 'crash', 'power'],
  truncate: ['error', 'late-error', 'crash', 'power'],
  open: ['error'],
  read: ['error'],
}

/** The process is gone at this call, so that nothing happens after it. */
const ENDS: ReadonlySet<string> = new Set(['torn', 'crash', 'power'])

export const SOUND_RUN: Wanted = { plan: '', after: 'restart', seed: 0, lying: false }

const nameOf = (call: string): string => call.split(' ')[0] ?? ''

/** Every fault at one call. */
const runsAt = (call: string, at: number): Wanted[] =>
  (KINDS[nameOf(call)] ?? []).flatMap((kind): Wanted[] => {
    const run = { ...SOUND_RUN, plan: `${at}:${kind}` }
    if (kind === 'power') return [run, { ...run, seed: at + 1 }]
    if (ENDS.has(kind)) return [run]
    const after = 'power loss' as const
    return [run, { ...run, after }, { ...run, after, seed: at + 1 }]
  })

/** A fault that the process lives through, and a power loss some calls later. */
const twoFaults = (calls: readonly string[], count: number): Wanted[] =>
  Array.from({ length: count }, (_, seed) => {
    const random = seeded(seed)
    const at = Math.floor(random() * calls.length)
    const kinds = (KINDS[nameOf(calls[at] ?? '')] ?? []).filter((kind) => !ENDS.has(kind))
    const kind = kinds[Math.floor(random() * kinds.length)] ?? 'error'
    const later = at + 1 + Math.floor(random() * 20)
    return { ...SOUND_RUN, plan: `${at}:${kind},${later}:power`, seed: seed % 2 === 0 ? 0 : seed }
  })

/** All runs for the calls of a sound run; `sample`: so many of them, spread by chance, always the same. */
export const faultRuns = (calls: readonly string[], sample: number | 'all'): Wanted[] => {
  const every = calls.flatMap(runsAt)
  if (sample === 'all') return [...every, ...twoFaults(calls, calls.length)]
  const random = seeded(calls.length)
  const wanted = new Set<Wanted>()
  const single = Math.min(every.length, Math.floor(sample * 0.8))
  // By kind in turn: the many writes must not crowd out the few renames.
  const groups = [...Map.groupBy(every, groupOf(calls)).values()]
  for (let turn = 0; wanted.size < single; turn++) {
    const group = groups[turn % groups.length] ?? []
    const run = group[Math.floor(random() * group.length)]
    if (run !== undefined) wanted.add(run)
  }
  return [...wanted, ...twoFaults(calls, sample - single)]
}

const groupOf =
  (calls: readonly string[]) =>
  ({ plan, after }: Wanted): string => {
    const [at, kind] = plan.split(':')
    return `${nameOf(calls[Number(at)] ?? '')} ${kind} ${after}`
  }

/** The column of the matrix that a run counts in. */
export const columnOf = ({ plan, after }: Wanted): string => {
  if (plan.includes(',')) return 'two faults'
  const kind = plan.split(':')[1] ?? 'none'
  if (kind === 'crash' || kind === 'torn' || kind === 'power') return kind
  return after === 'restart' ? kind : `${kind} + power`
}
