/** The map of DESIGN.md §2 and the size norms of the house style, held by a test. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, it } from 'node:test'

const root = join(import.meta.dirname, '..')
const src = join(root, 'src')

const BASE = ['event', 'contract', 'platform', 'documents']
const MIDDLE = [...BASE, 'outlets', 'journal', 'integrity', 'identity']

/** What each folder may import besides itself. A folder that is not listed is an error. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  platform: [],
  event: ['platform'],
  contract: ['platform', 'event'],
  documents: ['platform'],
  outlets: ['platform', 'event'],
  journal: BASE,
  integrity: BASE,
  identity: BASE,
  history: MIDDLE,
  trails: MIDDLE,
  capture: MIDDLE,
  builtin: MIDDLE,
  api: [...MIDDLE, 'history', 'trails'],
  config: ['platform'],
  'config.ts': ['config', 'platform'],
  admin: ['platform'],
  supervisor: ['platform', 'config.ts'],
  service: [
    ...MIDDLE,
    'history',
    'trails',
    'capture',
    'builtin',
    'api',
    'admin',
    'supervisor',
    'config',
    'config.ts',
  ],
  'service.ts': [
    ...MIDDLE,
    ...[
      'history',
      'trails',
      'capture',
      'builtin',
      'api',
      'admin',
      'supervisor',
      'service',
      'config',
    ],
    'config.ts',
  ],
  commands: [
    ...MIDDLE,
    'capture',
    'history',
    'trails',
    'supervisor',
    'config',
    'config.ts',
    'service',
  ],
  'main.ts': ['commands', 'supervisor', 'platform', 'service.ts', 'service', 'config.ts'],
}

/** Files above the cap today. This list may only shrink. */
const OVER_THE_CAP: readonly string[] = []

const LINES_MAX = 400
const MEDIAN_LINES_MAX = 90
const FILES_PER_FOLDER_MAX = 12

const files = globSync('**/*.ts', { cwd: src }).filter((file) => !file.includes('.generated.'))
const code = files.filter((file) => !file.endsWith('.test.ts'))
const textOf = (file: string): string => readFileSync(join(src, file), 'utf8')
const linesOf = (file: string): number => textOf(file).split('\n').length - 1
const placeOf = (file: string): string => file.split('/')[0] ?? ''

const importsOf = (file: string): string[] =>
  [...textOf(file).matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map((match) =>
    relative(src, join(src, dirname(file), match[1] ?? '')),
  )

describe('architecture', () => {
  it('has imports that point one way', () => {
    const wrong = code.flatMap((file) => {
      const place = placeOf(file)
      const allowed = ALLOWED[place]
      if (allowed === undefined) return [`${file}: '${place}' is not on the map`]
      return importsOf(file)
        .filter((target) => placeOf(target) !== place && !allowed.includes(placeOf(target)))
        .map((target) => `${file} imports ${target}`)
    })
    assert.deepEqual(wrong, [])
  })

  it('has the built-in services imported by the service alone', () => {
    const importers = code.filter(
      (file) =>
        placeOf(file) !== 'builtin' &&
        importsOf(file).some((target) => placeOf(target) === 'builtin'),
    )
    assert.deepEqual(
      importers.filter((file) => !['service', 'service.ts'].includes(placeOf(file))),
      [],
    )
  })

  it('reads the environment in config.ts only', () => {
    const readers = code.filter((file) => /process\.env\b/.test(textOf(file)))
    assert.deepEqual(
      readers.filter((file) => !['config.ts', 'commands/settings-options.ts'].includes(file)),
      [],
    )
  })

  it('has no default exports, barrels or TODOs', () => {
    const wrong = code.filter(
      (file) =>
        /^export default|^export \* from/m.test(textOf(file)) ||
        /\b(TODO|FIXME|XXX)\b/.test(textOf(file)),
    )
    assert.deepEqual(wrong, [])
  })

  it('keeps files small', () => {
    const long = files.filter((file) => linesOf(file) > LINES_MAX)
    assert.deepEqual([...long].sort(), [...OVER_THE_CAP].sort(), `${LINES_MAX} lines at most`)
    const sizes = code.map(linesOf).sort((a, b) => a - b)
    const median = sizes[Math.floor(sizes.length / 2)] ?? 0
    assert.ok(median <= MEDIAN_LINES_MAX, `the median file has ${median} lines`)
  })

  it('keeps folders small', () => {
    const counts = Map.groupBy(code, (file) => dirname(file))
    const full = [...counts].filter(([, inside]) => inside.length > FILES_PER_FOLDER_MAX)
    assert.deepEqual(
      full.map(([folder, inside]) => `${folder}: ${inside.length}`),
      [],
    )
  })
})
