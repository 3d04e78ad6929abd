import type { Logger } from '../platform/logger.ts'

export interface Closable {
  close(): Promise<void>
}

/** Closes what was added, last first; one that fails to close does not keep the others open. */
export const closing = (logger: Logger) => {
  const owned: Closable[] = []
  return {
    add: <Part extends Closable>(part: Part): Part => {
      owned.push(part)
      return part
    },
    closeAll: async (): Promise<void> => {
      for (const part of owned.splice(0).reverse()) {
        try {
          await part.close()
        } catch (error) {
          logger.error({ error }, 'A part of the server did not close cleanly.')
        }
      }
    },
  }
}
