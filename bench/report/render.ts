/** docs/performance.md out of the results and the notes that people write to them. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Table } from '../scenario.ts'
import { NOISY_BELOW } from './calibration.ts'
import type { Machine } from './machine.ts'
import type { Results, Row, Section } from './results.ts'

const NOTES = join(import.meta.dirname, '..', 'notes')

const cell = (text: string): string => text.replaceAll('|', '\\|')
const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`

/** Figures are right-aligned, words are not. */
const tableText = ({ columns, rows }: Table, others: '--:' | '---' = '--:'): string =>
  [
    line(columns),
    `|${columns.map((_, at) => (at === 0 ? '---' : others)).join('|')}|`,
    ...rows.map(line),
  ].join('\n')

const machineText = (machine: Machine): string =>
  `${machine.cores} × ${machine.cpu}, ${machine.memoryGiB} GiB, Linux ${machine.kernel}, ${machine.fileSystem}, 4 KiB append + fdatasync ${machine.syncP50Ms} / ${machine.syncP99Ms} ms (p50 / p99), Node.js ${machine.node}`

const verdict = ({ met }: Row): string => (met ? 'met' : '**missed**')

const noise = ({ calibration }: Section, best: number): string => {
  const worst = calibration.worst / best
  const quiet = `Calibration ${worst.toFixed(2)} to ${(calibration.best / best).toFixed(2)} of the best seen`
  return worst < NOISY_BELOW
    ? `**Noisy:** other work took CPU. ${quiet}: the figures of this section look worse than they are.`
    : `${quiet}.`
}

/** Hand-written: what the profile showed, why a figure was missed. */
const noteOf = (name: string): string => {
  const file = join(NOTES, `${name}.md`)
  return existsSync(file) ? `\n${readFileSync(file, 'utf8').trim()}\n` : ''
}

const sectionText = (name: string, section: Section, best: number): string => {
  const { title, method, command, measuredAt, machine, rounds, rows, table } = section
  const judged = {
    columns: ['', 'to reach', 'reached', '', 'compared with'],
    rows: rows.map((row) => [row.measure, row.reach, row.result, verdict(row), row.comparedWith]),
  }
  return `## ${title}
\`${command}\`. ${method}

${tableText(judged, '---')}
${table === undefined ? '' : `\n${tableText(table)}\n`}
${measuredAt.slice(0, 16).replace('T', ' ')} UTC, median of ${rounds} ${rounds === 1 ? 'round' : 'interleaved rounds'}. ${noise(section, best)}
${machineText(machine)}.
${noteOf(name)}`
}

/** `order`: the scenarios as the report lists them; those that were never measured are named. */
export const render = (results: Results, order: readonly string[]): string => {
  const known = order.flatMap((name) => {
    const section = results[name]
    return section === undefined ? [] : [[name, section] as const]
  })
  const best = Math.max(...known.map(([, { calibration }]) => calibration.best))
  const summary = known.flatMap(([, { rows, command }]) =>
    rows.map((row) => [row.measure, row.reach, row.result, verdict(row), `\`${command}\``]),
  )
  const absent = order.filter((name) => results[name] === undefined)
  return `# Performance

Made by \`npm run bench\`; \`npm run bench -- NAME\` measures one section again, \`-- --list\` names them.
Load generators, upstreams and Clew's three processes share the cores of one machine. What is compared
was measured in the same run, in turns. Text below a section's figures is written by people (bench/notes/).

${tableText({ columns: ['measure', 'to reach', 'reached', '', 'command'], rows: summary }, '---')}
${absent.length === 0 ? '' : `\nNot measured yet: ${absent.join(', ')}.\n`}
${known.map(([name, section]) => sectionText(name, section, best)).join('\n')}`
}
