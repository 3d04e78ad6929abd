/** The stores, each loaded only where it is used. */
import type { StoreCase } from './store-case.ts'

const LOADERS: Readonly<Record<string, () => Promise<StoreCase>>> = {
  recorder: async () => (await import('./recorder-case.ts')).recorderCase,
  documents: async () => (await import('./documents-case.ts')).documentsCase,
  objects: async () => (await import('./objects-case.ts')).objectsCase,
  'new-objects': async () => (await import('./objects-case.ts')).newObjectsCase,
  history: async () => (await import('./history-case.ts')).historyCase,
  delivery: async () => (await import('./delivery-case.ts')).deliveryCase,
}

export const STORE_NAMES: readonly string[] = Object.keys(LOADERS)

export const storeCase = async (name: string): Promise<StoreCase> => {
  const load = LOADERS[name]
  if (load === undefined) throw new Error(`There is no store ${name}.`)
  return load()
}
