/** Compiles the C files of this folder, which tests preload into Node.js processes (LD_PRELOAD). */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { messageOf } from '../../../src/platform/errors.ts'

export interface Shim extends Disposable {
  /** The shared library. */
  readonly path: string
}

/** The library, or why it cannot be had here (a reason for `skip`). */
export const compileShim = (name: 'faults' | 'clock'): Shim | string => {
  if (process.platform !== 'linux')
    return `SKIPPED: LD_PRELOAD is for Linux, not ${process.platform}`
  const folder = mkdtempSync(join(tmpdir(), 'clew-shim-'))
  const path = join(folder, `${name}.so`)
  const source = join(import.meta.dirname, `${name}.c`)
  const flags = ['-O1', '-Wall', '-fPIC', '-shared', '-o', path, source, '-ldl', '-lpthread']
  try {
    execFileSync('cc', flags, { stdio: ['ignore', 'ignore', 'pipe'] })
    execFileSync(process.execPath, ['-e', ''], { env: { ...process.env, LD_PRELOAD: path } })
  } catch (error) {
    rmSync(folder, { recursive: true })
    return `SKIPPED: no C compiler makes ${name}.so here: ${messageOf(error).split('\n')[0]}`
  }
  return { path, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) }
}
