/** The soak's reports as Markdown tables. */
import type { ImportProof } from './import-proof/import-proof.ts'
import type { Verdict } from './judge.ts'
import type { KillReport } from './kill-rounds.ts'
import { JUDGED_SECONDS_MIN, type Judged } from './series.ts'
import type { LoadReport } from './steady-load.ts'

const MIB = 2 ** 20

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string => {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return `${[line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')}\n`
}

const counts = (places: Verdict['lost']): string =>
  Object.entries(places)
    .map(([place, ids]) => `${ids.length} (${place})`)
    .join(', ')

const verdictRows = (verdict: Verdict): string[][] => [
  ['acknowledged', String(verdict.acknowledged)],
  ['delivered', String(verdict.delivered)],
  ['lost', counts(verdict.lost)],
  ['twice', counts(verdict.twice)],
  ['fsck', `exit ${verdict.fsckExit}`],
  ['validate-logs', verdict.validateLogs],
]

export const renderKill = (report: KillReport): string => {
  const kinds = Object.entries(report.rounds).map(([kind, count]) => `${count} ${kind}`)
  const rows = [
    ['rounds', kinds.join(', ')],
    ['seed', String(report.seed)],
    ['seconds', report.seconds.toFixed(0)],
    ['imported', String(report.imported)],
    ...verdictRows(report),
  ]
  return `\n${table(['kill -9', ''], rows)}\n`
}

const shown = (name: string, value: number): string =>
  name.endsWith('handles') ? value.toFixed(0) : (value / MIB).toFixed(1)

const seriesRow = ({ name, tenths, slopePerHour }: Judged): string[] => [
  name.endsWith('handles') ? name : `${name}, MiB`,
  ...tenths.map((tenth) =>
    tenth === undefined
      ? '–'
      : [tenth.min, tenth.median, tenth.max].map((value) => shown(name, value)).join('/'),
  ),
  shown(name, slopePerHour),
]

const grewOf = ({ minutes, grew }: LoadReport): string => {
  if (minutes * 60 < JUDGED_SECONDS_MIN) return 'not judged: the run is too short'
  return grew.length === 0 ? 'nothing' : grew.join(', ')
}

export const renderLoad = (report: LoadReport): string => {
  const { sent, refused, late } = report.calls
  const rows = [
    ['minutes', String(report.minutes)],
    ['calls', `${sent} at ${report.callsPerSecond}/s, ${refused} refused, ${late} left out`],
    ...verdictRows(report),
    ['grew', grewOf(report)],
  ]
  const head = [
    'min/median/max per tenth of the time',
    ...(report.series[0]?.tenths.map((_, tenth) => `${tenth + 1}`) ?? []),
    'slope per hour',
  ]
  return `\n${table(['load', ''], rows)}\n${table(head, report.series.map(seriesRow))}\n`
}

export const renderImport = (proof: ImportProof): string => {
  const { lines, imported, seconds, accounts, delivered, dataByCatalogue, checks } = proof
  const sum = accounts.reduce((all, { history }) => all + history, 0)
  const data = Object.entries(dataByCatalogue).sort(([, one], [, other]) => other - one)
  const rows = [
    ['source', `${lines} records`],
    ['imported', `${imported} in ${seconds.toFixed(0)} s`],
    ['in the history', `${sum} in ${accounts.length} accounts`],
    ['in log files', String(delivered)],
    ['data events by the catalogue', data.map(([name, count]) => `${count} ${name}`).join(', ')],
    ...Object.entries(checks),
  ]
  const counted = accounts.map(({ account, expected, history }) => [
    account,
    String(expected),
    String(history),
  ])
  const head = ['account', 'management events by their own word', 'in its history']
  return `\n${table(['import', ''], rows)}\n${table(head, counted)}\n`
}
