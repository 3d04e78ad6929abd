/** The Node.js that runs this, which is also the one that `serve` would run on. */
import { type Finding, fail, ok, warn } from '../finding.ts'

/** package.json, `engines`: the first release with what Clew uses of type stripping and SQLite. */
const OLDEST: readonly [major: number, minor: number] = [24, 12]
const TESTED_MAJOR = 24

export interface NodeFacts {
  /** `process.versions.node`. */
  readonly version: string
  readonly flags: readonly string[]
}

export const checkNode = ({ version, flags }: NodeFacts): Finding[] => {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const isOld = major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])
  const node = isOld
    ? fail(
        `Node.js ${version} is older than ${OLDEST.join('.')}`,
        'start with `npm start`, which brings its own Node.js, or install a newer one',
      )
    : major === TESTED_MAJOR
      ? ok(`Node.js ${version}`)
      : warn(
          `Node.js ${version} is newer than what Clew is tested with (${TESTED_MAJOR})`,
          `use Node.js ${TESTED_MAJOR} where it matters`,
        )
  const jit = flags.includes('--no-maglev')
    ? ok('runs with --no-maglev')
    : warn(
        'runs without --no-maglev: a compiler of Node.js can crash when the machine has no CPU time left',
        'start with `npm start`, or `node --no-maglev src/main.ts serve`',
      )
  return [node, jit]
}
