import { readFileSync } from 'node:fs'
import type { Target } from './support.ts'

/** Resident bytes of the server's processes together; 0 where the system does not tell. */
export const residentBytes = (target: Target): number => {
  try {
    const { pid } = JSON.parse(readFileSync(`${target.server.data}/server.json`, 'utf8'))
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
    const sizes = children.map((child) => {
      const status = readFileSync(`/proc/${child}/status`, 'utf8')
      return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024
    })
    return sizes.reduce((sum, size) => sum + size, 0)
  } catch {
    // Only Linux has /proc; elsewhere the case still proves that the server lives.
    return 0
  }
}
