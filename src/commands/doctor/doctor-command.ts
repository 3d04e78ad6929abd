import { styleText } from 'node:util'
import { Command } from 'commander'
import { systemClock } from '../../platform/clock.ts'
import { parseUpstreams } from '../../service/upstreams.ts'
import { configOf, withSettings } from '../settings-options.ts'
import { countOf, examine, type Paint, reportText } from './report.ts'

const COLOURS = { ok: 'green', warn: 'yellow', fail: 'red', skip: 'dim' } as const

/** A terminal has colours unless NO_COLOR says otherwise. */
const paint: Paint = (level, text) => styleText(COLOURS[level], text, { stream: process.stdout })

/** `clew doctor`: exit code 1 when a check failed. It takes the settings that `serve` takes. */
export const doctorCommand = (): Command =>
  withSettings(
    new Command('doctor')
      .description('check machine, folder, upstreams and trails, and say what to do')
      .option('--json', 'print JSON'),
  ).action(async (options: { json?: boolean }, command: Command) => {
    const config = configOf(command)
    parseUpstreams(config.upstream) // what is no setting is a usage error, not a finding
    const roots = { proc: '/proc', sys: '/sys' }
    const groups = await examine({ config, clock: systemClock, roots })
    const text = options.json === true ? `${JSON.stringify(groups)}\n` : undefined
    process.stdout.write(text ?? reportText(groups, paint))
    if (countOf(groups, 'fail') > 0) process.exitCode = 1
  })
