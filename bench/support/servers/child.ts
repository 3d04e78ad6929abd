/** Helper processes of a benchmark: a script that prints its port and ends with its parent. */
import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'

export interface PortProcess {
  readonly port: number
  readonly pid: number
  stop(): Promise<void>
}

const ended = (child: ChildProcess): Promise<void> =>
  child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve()
    : new Promise((resolve) => child.once('exit', () => resolve()))

/** `script`: a file of this folder. */
export const startPortProcess = (script: string, ...args: string[]): Promise<PortProcess> =>
  new Promise((resolve, reject) => {
    const child = fork(join(import.meta.dirname, script), args, {
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    })
    child.once('exit', (code) => reject(new Error(`${script} ended with ${code}`)))
    child.stdout?.once('data', (line: Buffer) => {
      resolve({
        port: Number(line.toString()),
        pid: child.pid ?? 0,
        stop: async () => {
          if (child.connected) child.disconnect()
          await ended(child)
        },
      })
    })
  })
