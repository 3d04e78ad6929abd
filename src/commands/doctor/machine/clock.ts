/** The clock of this machine by itself; against upstreams it is checked in `upstreams.ts`. */
import { statSync } from 'node:fs'
import { pathsOf } from '../../../supervisor/data-folder.ts'
import { type DoctorContext, type Finding, fail, ok, warn } from '../finding.ts'

/** No release of Clew is older: a clock before it is wrong. */
const OLDEST_MS = Date.UTC(2026, 0, 1)
const FUTURE_MS_MAX = 60_000
const WATCHED_MS = 50
/** More than this between the two clocks in so short a time is a jump, not drift. */
const JUMP_MS_MAX = 500

const judgeFiles = ({ config, clock }: DoctorContext): Finding[] => {
  const { format, documents, server } = pathsOf(config.data)
  const newest = Math.max(
    ...[format, documents, `${documents}-wal`, server].map(
      (file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0,
    ),
  )
  const ahead = newest - clock.now()
  return ahead <= FUTURE_MS_MAX
    ? []
    : [
        warn(
          `files of the data folder were written ${Math.round(ahead / 60_000)} min in the future: the clock was set back`,
          'synchronise the clock; events keep the times they were recorded with',
        ),
      ]
}

export const checkClock = async (context: DoctorContext): Promise<Finding[]> => {
  const { clock } = context
  const before = { wall: clock.now(), monotonic: clock.monotonic() }
  if (before.wall < OLDEST_MS) {
    const day = new Date(before.wall).toISOString().slice(0, 10)
    return [fail(`the clock says ${day}`, 'set it: event times and signatures go by it')]
  }
  await clock.sleep(WATCHED_MS)
  const wall = clock.now() - before.wall
  const monotonic = clock.monotonic() - before.monotonic
  const todo = 'see what sets the clock of this machine: digests and windows go by it'
  const steady =
    monotonic <= 0
      ? fail('the monotonic clock stands still', 'use another machine or hypervisor')
      : Math.abs(wall - monotonic) > JUMP_MS_MAX
        ? warn(`the clock jumped by ${Math.round(wall - monotonic)} ms while this looked`, todo)
        : ok('the clock is steady')
  return [steady, ...judgeFiles(context)]
}
