import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/**
 * A package that is loaded at its first use: for what few runs need and every start would pay for
 * in each of its processes. `Module` is `typeof import('name')`.
 */
export const loadLater = <Module>(name: string): (() => Module) => {
  let loaded: Module | undefined
  return () => {
    loaded ??= require(name) as Module
    return loaded
  }
}
