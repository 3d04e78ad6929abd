/**
 * What is wrong in one file. Until something in it looks like an event, its problems are held: a file
 * that is no log at all (a licence, random bytes) is told in one line, not in one for each of its lines.
 */

export interface Problem {
  readonly file: string
  /** From 1; absent where the file as a whole is meant. */
  readonly record?: number
  /** In the unpacked file. */
  readonly offset?: number
  readonly reason: string
}

/** Problems of one file that are held one by one; of those behind them only the number is. */
export const PROBLEMS_HELD_MAX = 10_000

export interface FileProblems {
  add(problem: Omit<Problem, 'file'>): void
  /** Something looked like an event, or the file has the form of a log file: problems are told as they come. */
  isLog(): void
  /** The file was read to its end: tells what is still held as one problem of the file. */
  end(): void
}

/** `report`: `records` is how many skipped records the problem stands for. */
export const createFileProblems = (
  file: string,
  report: (problem: Problem, records: number) => void,
): FileProblems => {
  let held: Omit<Problem, 'file'>[] | undefined = []
  let further = 0
  const tell = (problem: Omit<Problem, 'file'>, records = 1): void =>
    report({ file, ...problem }, records)
  return {
    add: (problem) => {
      if (held === undefined) tell(problem)
      else if (held.length < PROBLEMS_HELD_MAX) held.push(problem)
      else further++
    },
    isLog: () => {
      if (held === undefined) return
      const all = held
      held = undefined
      const last = further > 0 ? all.pop() : undefined
      for (const problem of all) tell(problem)
      if (last === undefined) return
      const reason = `${last.reason}; ${further} more records before the first event are none either`
      tell({ ...last, reason }, further + 1)
    },
    end: () => {
      const first = held?.[0]
      held = undefined
      if (first === undefined) return
      const why = `byte ${first.offset ?? 0}: ${first.reason}`
      tell({ reason: `it is no log file: nothing in it is an event (${why})` })
    },
  }
}
