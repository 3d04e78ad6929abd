/**
 * How far a verification is, with its rate and the time left (DESIGN.md §5): a bar when stderr is a
 * terminal, a line every few seconds when it is not. A run that is over at once shows nothing.
 */
import type { Finding } from '../../integrity/verification.ts'
import { systemClock } from '../../platform/clock.ts'
import { BAR_EVERY_MS, barOf, CLEAR_LINE, LINE_EVERY_MS } from '../output/progress-bar.ts'
import type { Output } from './report.ts'

export interface ChainProgress {
  listed(digests: number): void
  found(finding: Pick<Finding, 'subject'>): void
  done(): void
}

export interface Progress {
  /** One of the chains begins. */
  chain(): ChainProgress
  /** Takes the bar away before anything else is written. */
  over(output: Output): Output
  stop(): void
}

export interface ProgressDependencies {
  readonly output: Output
  readonly isTerminal: boolean
}

interface ChainState {
  listed: number
  digests: number
  done: boolean
}

/** `75 s` or `3 min`. */
const duration = (seconds: number): string =>
  seconds < 120 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`

/** Of one chain, 0 to 1. Its log files are spread over its digests. */
const shareOf = ({ listed, digests, done }: ChainState): number => {
  if (done) return 1
  return listed === 0 ? 0 : Math.min(1, digests / listed)
}

/** `12 % ███ 86/721 digests, 2,400 log files, 1,210/s, 15 s left` */
export const progressText = (
  chains: readonly ChainState[],
  counts: { readonly chains: number; readonly logs: number; readonly seconds: number },
  withBar: boolean,
): string => {
  const share = chains.reduce((sum, chain) => sum + shareOf(chain), 0) / Math.max(1, counts.chains)
  const digests = chains.reduce((sum, chain) => sum + chain.digests, 0)
  const listed = chains.reduce((sum, chain) => sum + chain.listed, 0)
  const rate = (digests + counts.logs) / Math.max(0.001, counts.seconds)
  const bar = `${barOf(share)} `
  const left = share === 0 ? '' : `, ${duration((counts.seconds * (1 - share)) / share)} left`
  return (
    `${(share * 100).toFixed(0).padStart(3)} % ${withBar ? bar : ''}` +
    `${digests.toLocaleString('en-US')}/${listed.toLocaleString('en-US')} digests, ` +
    `${counts.logs.toLocaleString('en-US')} log files, ${Math.round(rate).toLocaleString('en-US')}/s${left}`
  )
}

/** The caller stops it. */
export const startProgress = (
  chainCount: number,
  { output, isTerminal }: ProgressDependencies,
): Progress => {
  const started = systemClock.monotonic()
  const chains: ChainState[] = []
  let logs = 0
  let isDrawn = false
  const clear = (): void => {
    if (isDrawn) output.err(CLEAR_LINE)
    isDrawn = false
  }
  const show = (): void => {
    if (chains.length === 0) return
    const seconds = (systemClock.monotonic() - started) / 1000
    const text = progressText(chains, { chains: chainCount, logs, seconds }, isTerminal)
    output.err(isTerminal ? `${CLEAR_LINE}${text}` : `verify: ${text}\n`)
    isDrawn = isTerminal
  }
  const timer = setInterval(show, isTerminal ? BAR_EVERY_MS : LINE_EVERY_MS)
  timer.unref()
  return {
    chain: () => {
      const state: ChainState = { listed: 0, digests: 0, done: false }
      chains.push(state)
      return {
        listed: (digests) => {
          state.listed = digests
        },
        found: ({ subject }) => {
          if (subject === 'digest') state.digests++
          else if (subject === 'log') logs++
        },
        done: () => {
          state.done = true
        },
      }
    },
    over: ({ out, err }) => ({
      out: (text) => {
        clear()
        out(text)
      },
      err: (text) => {
        clear()
        err(text)
      },
    }),
    stop: () => {
      clearInterval(timer)
      clear()
    },
  }
}
