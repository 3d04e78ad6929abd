/** What a start loads, and from where: docs/decisions/0043. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'

const run = promisify(execFile)
const src = join(import.meta.dirname, '..')

/** The packages that are in memory after the imports of a role. */
const packagesOf = async (file: string): Promise<string[]> => {
  const program = `
    await import(${JSON.stringify(join(src, file))})
    const { createRequire } = await import('node:module')
    const names = Object.keys(createRequire(${JSON.stringify(join(src, file))}).cache)
      .map((path) => /node_modules\\/((?:@[^/]+\\/)?[^/]+)\\//.exec(path)?.[1])
    console.log(JSON.stringify([...new Set(names)]))`
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program])
  return JSON.parse(stdout) as string[]
}

describe('loading', () => {
  it('leaves out what few runs need', async () => {
    for (const role of ['service/front.ts', 'service/writer.ts']) {
      const packages = await packagesOf(role)
      assert.ok(packages.includes('prom-client'), 'what every run needs is seen')
      for (const late of ['yaml', '@aws-sdk/crc64-nvme', '@aws-crypto/crc32c', 'commander']) {
        assert.ok(!packages.includes(late), `${role} loads ${late}`)
      }
    }
  })

  it('keeps compiled code out of the shared folder for temporary files', async (t) => {
    const shared = mkdtempSync(join(tmpdir(), 'clew-shared-'))
    t.after(() => rmSync(shared, { recursive: true }))
    const { NODE_COMPILE_CACHE: _, ...rest } = process.env
    const env = { ...rest, TMPDIR: shared }
    await run(process.execPath, ['--no-maglev', join(src, 'main.ts'), '--version'], { env })
    assert.deepEqual(readdirSync(shared), [])
  })
})
