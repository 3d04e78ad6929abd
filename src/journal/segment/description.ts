import type { Clock } from '../../platform/clock.ts'
import type { Logger } from '../../platform/logger.ts'
import { createDurably, type JournalFiles, readAt, TEMPORARY } from '../files/journal-files.ts'
import { JournalError } from '../journal.ts'
import { HEAD_NAME } from './head-file.ts'
import { FORMAT_VERSION, shardFolder } from './layout.ts'

const DESCRIPTION_NAME = 'journal.json'
const DESCRIPTION_BYTES_MAX = 4_096
export const SHARDS_MAX = 256

/** How long a reader waits for a journal that the appending process is creating. */
const CREATION_WAIT_MS = 10_000
const CREATION_POLL_MS = 25

interface Description {
  readonly format: 'clew-journal'
  readonly version: number
  readonly shards: number
}

const isDescription = (value: unknown): value is Description =>
  typeof value === 'object' &&
  value !== null &&
  'format' in value &&
  value.format === 'clew-journal' &&
  'version' in value &&
  Number.isInteger(value.version) &&
  'shards' in value &&
  Number.isInteger(value.shards)

/** The number of shards that the folder was created with; undefined where it is no journal yet. */
const load = async (files: JournalFiles, folder: string): Promise<number | undefined> => {
  if (!(await files.list(folder)).includes(DESCRIPTION_NAME)) return undefined
  const path = `${folder}/${DESCRIPTION_NAME}`
  const file = await files.open(path, 'read')
  let value: unknown
  try {
    value = JSON.parse((await readAt(file, 0, DESCRIPTION_BYTES_MAX)).toString())
  } catch (cause) {
    throw new JournalError('corrupt', `${path} is damaged.`, {
      cause,
      hint: `Write it again by hand: {"format":"clew-journal","version":${FORMAT_VERSION},"shards":N} with the number of shard folders.`,
    })
  } finally {
    await file.close()
  }
  if (!isDescription(value) || value.shards < 1 || value.shards > SHARDS_MAX) {
    throw new JournalError('corrupt', `${path} does not describe a journal.`, {
      hint: 'Check that the folder belongs to Clew.',
    })
  }
  if (value.version > FORMAT_VERSION) {
    throw new JournalError(
      'unsupported',
      `${path} has format ${value.version}; this version knows ${FORMAT_VERSION}.`,
      { hint: 'Run the newer version of Clew that wrote this data folder.' },
    )
  }
  return value.shards
}

/** Creates the description where there is none. Returns the journal's own number of shards. */
export const describeJournal = async (
  files: JournalFiles,
  folder: string,
  shards: number,
  logger: Logger,
): Promise<number> => {
  if (!Number.isInteger(shards) || shards < 1 || shards > SHARDS_MAX) {
    throw new RangeError(`A journal has 1 to ${SHARDS_MAX} shards, not ${shards}.`)
  }
  const known = await load(files, folder)
  if (known !== undefined) {
    if (known !== shards) {
      const message = 'The number of shards is fixed at creation; the setting is ignored.'
      logger.warn({ shards: known, setting: shards }, message)
    }
    return known
  }
  const leftOver = (await files.list(folder)).filter((name) => name.endsWith(TEMPORARY))
  for (const name of leftOver) await files.unlink(`${folder}/${name}`)
  const description: Description = { format: 'clew-journal', version: FORMAT_VERSION, shards }
  const text = Buffer.from(`${JSON.stringify(description)}\n`)
  await (await createDurably(files, folder, DESCRIPTION_NAME, [text])).close()
  return shards
}

/** For readers: waits until the appending process has created the journal and its heads. */
export const readDescription = async (
  files: JournalFiles,
  folder: string,
  clock: Clock,
  waitMs = CREATION_WAIT_MS,
): Promise<number> => {
  const deadline = clock.monotonic() + waitMs
  for (;;) {
    const shards = await load(files, folder)
    if (shards !== undefined) {
      const last = await files.list(`${folder}/${shardFolder(shards - 1)}`)
      if (last.includes(HEAD_NAME)) return shards
    }
    if (clock.monotonic() >= deadline) {
      throw new JournalError('closed', `There is no journal in ${folder}.`, {
        hint: 'Check the data folder; the process that appends creates the journal at its first start.',
      })
    }
    await clock.sleep(CREATION_POLL_MS)
  }
}
