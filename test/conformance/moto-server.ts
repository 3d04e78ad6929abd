/** moto as an upstream: `moto_server` of the test's virtual environment on a free port. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { VENV } from './clew-server.ts'

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' ? (address?.port ?? 0) : 0))
    })
  })

export interface MotoServer {
  readonly url: string
  stop(): Promise<void>
}

export const startMoto = async (): Promise<MotoServer> => {
  const port = await freePort()
  const child: ChildProcess = spawn(
    join(VENV, 'moto_server'),
    ['-H', '127.0.0.1', '-p', String(port)],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, PYTHONUNBUFFERED: '1' } },
  )
  await new Promise<void>((resolve, reject) => {
    const output: string[] = []
    const seen = (line: string): void => {
      output.push(line)
      if (line.includes('Running on')) resolve()
    }
    for (const stream of [child.stdout, child.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on('line', seen)
    }
    child.once('exit', (code) => reject(new Error(`moto ended with ${code}: ${output.join('\n')}`)))
  })
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
      child.kill('SIGTERM')
      await exited
    },
  }
}
