/**
 * Rounds of kill -9 at random points under mixed load: of the whole process group, of the front or
 * the writer alone, and of a server that is just starting.
 */
import { setTimeout as delay } from 'node:timers/promises'
import {
  type ClewServer,
  makeDataFolder,
  removeFolder,
  startClew,
} from '../conformance/clew-server.ts'
import { seeded } from '../faults/journal-disk.ts'
import { newAcknowledged, setUp, startCallers } from './callers.ts'
import { type Imports, openImports } from './imports.ts'
import { isClean, judge, type Verdict } from './judge.ts'
import { type RoleName, rolesOf, signalRole, until } from './processes.ts'

export interface KillReport extends Verdict {
  readonly seed: number
  /** Events of imports that were cut off and repeated. */
  readonly imported: number
  readonly rounds: Readonly<Record<string, number>>
  readonly seconds: number
}

const CALLERS = 8
/** From the first answer of a round to the blow. */
const BLOW_MS_MAX = 700
/** The command needs a moment to load. */
const IMPORT_MS_MAX = 3_000
/** A start is cut off within this time. */
const START_MS_MAX = 1_200
/** Calls that must be answered after a blow to one process, before the next round. */
const CALLS_AFTER = 20

type RoundKind =
  | 'group'
  | 'group during flush'
  | 'group during import'
  | 'front'
  | 'writer'
  | 'start'

const kindOf = (chance: number): RoundKind => {
  if (chance < 0.35) return 'group'
  if (chance < 0.5) return 'group during flush'
  if (chance < 0.6) return 'group during import'
  if (chance < 0.75) return 'front'
  if (chance < 0.9) return 'writer'
  return 'start'
}

interface Soak {
  readonly acknowledged: ReturnType<typeof newAcknowledged>
  readonly turn: { next: number }
  readonly random: () => number
  readonly imports: Imports
  clew: ClewServer
}

/** The blow to the whole group under load; then it starts again. */
const killGroup = async (soak: Soak, kind: RoundKind): Promise<void> => {
  const { clew, turn, acknowledged } = soak
  const callers = startCallers(clew, acknowledged, { callers: CALLERS, turn, stopAtFailure: true })
  await until('the first answer', () => callers.answered() > 0)
  const importing = kind === 'group during import' ? soak.imports.begin(clew.data) : undefined
  await delay(soak.random() * (importing === undefined ? BLOW_MS_MAX : IMPORT_MS_MAX))
  if (kind === 'group during flush') {
    void clew.flush().catch(() => {}) // cut off by the blow
    await delay(soak.random() * 100)
  }
  await clew.kill()
  await callers.stop()
  await importing
  soak.clew = await startClew({ data: clew.data })
}

/** The blow to one process; the supervisor starts it again, and calls are answered again. */
const killRole = async (soak: Soak, role: RoleName): Promise<void> => {
  const { clew, turn, acknowledged } = soak
  const callers = startCallers(clew, acknowledged, { callers: CALLERS, turn, stopAtFailure: false })
  await until('the first answer', () => callers.answered() > 0)
  await delay(soak.random() * BLOW_MS_MAX)
  const before = rolesOf(clew.data)[role]
  signalRole(clew.data, role, 'SIGKILL')
  await until(`a new ${role}`, () => ![undefined, before].includes(rolesOf(clew.data)[role]))
  const answered = callers.answered()
  await until('calls are answered again', () => callers.answered() >= answered + CALLS_AFTER)
  await callers.stop()
}

/** The blow while the server recovers. */
const killStart = async (soak: Soak): Promise<void> => {
  const { data } = soak.clew
  await soak.clew.kill()
  const starting = startClew({ data }).catch(() => undefined) // killed before it was ready
  await delay(soak.random() * START_MS_MAX)
  const { supervisor } = rolesOf(data)
  if (supervisor !== undefined) process.kill(-supervisor, 'SIGKILL')
  await (await starting)?.kill()
  soak.clew = await startClew({ data })
}

const runRound = (soak: Soak, kind: RoundKind): Promise<void> => {
  if (kind === 'front' || kind === 'writer') return killRole(soak, kind)
  if (kind === 'start') return killStart(soak)
  return killGroup(soak, kind)
}

/** `told`: after every round. The folder is kept when the verdict is not clean. */
export const runKillRounds = async (options: {
  rounds: number
  seed: number
  told?: (round: number, kind: string, acknowledged: number) => void
}): Promise<KillReport> => {
  const started = performance.now()
  const data = makeDataFolder()
  using imports = openImports()
  const soak: Soak = {
    acknowledged: newAcknowledged(),
    turn: { next: 0 },
    imports,
    random: seeded(options.seed),
    clew: await startClew({ data }),
  }
  const rounds: Record<string, number> = {}
  try {
    await setUp(soak.clew, soak.acknowledged)
    for (let round = 1; round <= options.rounds; round++) {
      const kind = kindOf(soak.random())
      rounds[kind] = (rounds[kind] ?? 0) + 1
      await runRound(soak, kind)
      const { management, data: objects } = soak.acknowledged
      options.told?.(round, kind, management.size + objects.size)
    }
    await imports.finish(data)
    const imported = imports.eventIds
    const verdict = await judge(soak.clew, soak.acknowledged, { imported })
    const seconds = (performance.now() - started) / 1000
    if (isClean(verdict)) removeFolder(data)
    else process.stderr.write(`The data folder is kept: ${data}\n`)
    return { ...verdict, seed: options.seed, imported: imported.size, rounds, seconds }
  } catch (error) {
    process.stderr.write(`The data folder is kept: ${data}\n${soak.clew.log().slice(-4_000)}\n`)
    throw error
  } finally {
    await soak.clew.kill()
  }
}
