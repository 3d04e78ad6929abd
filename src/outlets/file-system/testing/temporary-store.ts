/** A store in a throw-away folder, for tests. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../../platform/clock.ts'
import { masterKeyOf } from '../../../platform/encryption.ts'
import { silentLogger } from '../../../platform/logger.ts'
import { type FileObjectStore, openFileObjectStore } from '../file-object-store.ts'

export const TEST_MASTER_KEY = masterKeyOf(Buffer.alloc(32, 7))
export const TEST_ACCOUNT = '123456789012'

export const openTestStore = (folder: string): Promise<FileObjectStore> =>
  openFileObjectStore(folder, { master: TEST_MASTER_KEY, clock: systemClock, logger: silentLogger })

export interface TemporaryStore {
  readonly folder: string
  readonly store: FileObjectStore
  readonly bucket: string
  close(): Promise<void>
}

export const temporaryFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'clew-objects-'))

export const temporaryStore = async (): Promise<TemporaryStore> => {
  const folder = await temporaryFolder()
  const store = await openTestStore(folder)
  const bucket = 'a-bucket'
  await store.buckets.create({
    name: bucket,
    account: TEST_ACCOUNT,
    region: 'eu-west-1',
    settings: {},
  })
  return {
    folder,
    store,
    bucket,
    close: async () => {
      await store.close()
      await rm(folder, { recursive: true })
    },
  }
}

/** The names of all content files, half-written ones too. */
export const contentFiles = async (folder: string): Promise<string[]> => {
  const entries = await readdir(join(folder, 'content'), { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}
