import { type ChildProcess, fork } from 'node:child_process'

export const CHILD_ROLES = ['front', 'writer'] as const
export type ChildRole = (typeof CHILD_ROLES)[number]

/**
 * Of each young generation, MiB. With V8's own choice (32 on a large machine) what is touched only
 * grows: an import of 120,000 events took 440 MB of the writer's memory instead of 319, an hour of
 * load 339 MiB of the front's. Collections are more frequent and each is shorter.
 */
const SEMI_SPACE_MIB = 8

/** Starts the process of a role. It loads and then waits for its configuration. */
export const forkRole = (script: string, role: ChildRole): ChildProcess =>
  fork(script, [role], {
    serialization: 'advanced',
    execArgv: [
      '--no-maglev',
      '--disable-warning=ExperimentalWarning',
      `--max-semi-space-size=${SEMI_SPACE_MIB}`,
    ],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })

/** Processes that were started before their supervisor: it takes them over. */
export type ForkedRoles = ReadonlyMap<ChildRole, ChildProcess>

/**
 * Starts both roles at once, for `serve`: they load while the command line and the configuration
 * are read, which is a fifth of the time to start. Whoever does not supervise them ends them.
 */
export const forkRoles = (script: string): ForkedRoles =>
  new Map(CHILD_ROLES.map((role) => [role, forkRole(script, role)]))

export const endRoles = (roles: ForkedRoles): void => {
  for (const child of roles.values()) child.kill('SIGKILL')
}
