/** Where the doctor may write: a folder of its own inside the data folder, removed at the end. */
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** The folder itself, or the nearest one above it that exists. */
export const nearestExisting = (folder: string): string => {
  let path = folder
  while (!existsSync(path) && dirname(path) !== path) path = dirname(path)
  return path
}

export const withProbeFolder = async <Result>(
  data: string,
  work: (folder: string) => Promise<Result>,
): Promise<Result> => {
  const folder = await mkdtemp(join(data, '.doctor-'))
  try {
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
