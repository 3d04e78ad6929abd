/** Runs at most `limit` tasks at a time, in the order in which they were given. */
export type Limiter = <Result>(task: () => Promise<Result>) => Promise<Result>

export const createLimiter = (limit: number): Limiter => {
  const waiting: (() => void)[] = []
  let running = 0
  const enter = (): Promise<void> => {
    if (running < limit) {
      running++
      return Promise.resolve()
    }
    return new Promise((resolve) => waiting.push(resolve))
  }
  const leave = (): void => {
    const next = waiting.shift()
    if (next === undefined) running--
    else next()
  }
  return async (task) => {
    await enter()
    try {
      return await task()
    } finally {
      leave()
    }
  }
}
