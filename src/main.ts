#!/usr/bin/env node
/**
 * The commands. Started as `main.ts front` or `main.ts writer` with an IPC channel, it is a role of
 * a running server instead (supervisor/supervisor.ts).
 */
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'

// Imports below are dynamic so that they profit from the cache: stripped and compiled once. It is
// code that runs, so it lies beside the code; by default it would be in the shared folder for
// temporary files (docs/decisions/0043).
enableCompileCache(join(import.meta.dirname, '..', 'node_modules', '.cache', 'clew'))

const role = process.argv[2]
if (process.send !== undefined && (role === 'front' || role === 'writer')) {
  const { runRole } = await import('./supervisor/role-process.ts')
  const half = role === 'front' ? import('./service/front.ts') : import('./service/writer.ts')
  runRole(role, async (host) => {
    const { startFront, startWriter } = await import('./service.ts')
    await half // begun before the configuration came
    return role === 'front' ? startFront(host) : startWriter(host)
  })
} else {
  const script = import.meta.filename
  const { endRoles, forkRoles } = await import('./supervisor/fork-role.ts')
  const forked = role === 'serve' ? forkRoles(script) : new Map()
  const { runCommandLine } = await import('./commands/command-line.ts')
  process.exitCode = await runCommandLine(process.argv, script, forked)
  endRoles(forked) // `serve` itself does not come back: this was --help, or an error
}
