/** A role that cannot start, for tests of the supervisor. Each try adds a line to the `data` file. */
import { appendFileSync } from 'node:fs'
import type { Config } from '../../config.ts'
import { runRole } from '../role-process.ts'

const start = async ({ config }: { config: Config }): Promise<never> => {
  appendFileSync(config.data, `${process.argv[2]}\n`)
  throw Object.assign(new Error('listen EADDRINUSE'), {
    code: 'EADDRINUSE',
    syscall: 'listen',
    address: config.listen.host,
    port: config.listen.port,
  })
}

if (process.argv[2] === 'front') runRole('front', start)
else runRole('writer', async () => ({ close: async () => {} }))
