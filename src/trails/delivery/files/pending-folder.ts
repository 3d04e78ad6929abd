/**
 * Log files whose put failed, on disk until they are delivered: one file each, encrypted under its
 * own data key. Layout (docs/formats/log-file.md): magic, wrapped key, then two sealed chunks, each
 * with its length in four bytes: the plan as JSON, and the object's bytes.
 */
import { open, readdir, readFile, rm, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder, syncFolder, writeFileDurably } from '../../../platform/durable-files.ts'
import { type MasterKey, WRAPPED_KEY_BYTES } from '../../../platform/encryption.ts'
import type { Logger } from '../../../platform/logger.ts'
import type { Plan } from '../chain-state.ts'
import { DeliveryError } from '../errors.ts'

const MAGIC = Buffer.from('CLEWPND1')
const LENGTH_BYTES = 4
/** A plan is below 2 KiB; more is damage. */
const PLAN_BYTES_MAX = 64 * 1024
export const PENDING_SUFFIX = '.pending'

export interface PendingFile {
  readonly plan: Plan
  /** On disk. */
  readonly bytes: number
}

export interface PendingFolder {
  /** Oldest plan first. */
  list(): readonly PendingFile[]
  has(id: string): boolean
  bytes(): number
  /** Durable when it resolves. */
  write(plan: Plan, body: Uint8Array): Promise<void>
  /** Rejects with DeliveryError `bad-pending-file`. */
  read(id: string): Promise<Buffer>
  /** Durable when it resolves; removing what is absent is no error. */
  remove(id: string): Promise<void>
}

const framed = (bytes: Buffer): Buffer => {
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeUInt32LE(bytes.length)
  return Buffer.concat([length, bytes])
}

const HEAD_BYTES = MAGIC.length + WRAPPED_KEY_BYTES + LENGTH_BYTES

const badFile = (path: string, cause?: unknown): DeliveryError =>
  new DeliveryError('bad-pending-file', `The pending delivery ${path} cannot be read.`, {
    cause,
    hint: 'Was the file damaged, or written under another master key? It is left where it is.',
  })

/** Rejects with DeliveryError or EncryptionError. */
export const readPlan = async (path: string, master: MasterKey): Promise<Plan> => {
  const handle = await open(path, 'r')
  try {
    const head = Buffer.alloc(HEAD_BYTES)
    const { bytesRead } = await handle.read(head, 0, HEAD_BYTES, 0)
    const length = head.readUInt32LE(HEAD_BYTES - LENGTH_BYTES)
    const isOurs = head.subarray(0, MAGIC.length).equals(MAGIC)
    if (bytesRead < HEAD_BYTES || !isOurs || length > PLAN_BYTES_MAX) throw badFile(path)
    const sealed = Buffer.alloc(length)
    await handle.read(sealed, 0, length, HEAD_BYTES)
    const cipher = master.dataKey(head.subarray(MAGIC.length, MAGIC.length + WRAPPED_KEY_BYTES))
    return JSON.parse(cipher.open(sealed).toString()) as Plan
  } finally {
    await handle.close()
  }
}

/** The object's bytes. Rejects with DeliveryError `bad-pending-file`, or the system's error. */
export const readBody = async (path: string, master: MasterKey): Promise<Buffer> => {
  const bytes = await readFile(path)
  try {
    const cipher = master.dataKey(bytes.subarray(MAGIC.length, MAGIC.length + WRAPPED_KEY_BYTES))
    const body = HEAD_BYTES + bytes.readUInt32LE(HEAD_BYTES - LENGTH_BYTES)
    const length = bytes.readUInt32LE(body)
    const start = body + LENGTH_BYTES
    return cipher.open(bytes.subarray(start, start + length))
  } catch (cause) {
    throw badFile(path, cause)
  }
}

/** Below the folder of deliveries. */
export const pendingFolderOf = (delivery: string): string => join(delivery, 'pending')

export const openPendingFolder = async (
  folder: string,
  master: MasterKey,
  logger: Logger,
): Promise<PendingFolder> => {
  await makeFolder(folder)
  const files = new Map<string, PendingFile>()
  /** Writes that failed: the file may be there all the same. */
  const unsure = new Set<string>()
  const pathOf = (id: string): string => join(folder, `${id}${PENDING_SUFFIX}`)
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    if (name.startsWith('.')) {
      // Left by a crash between write and rename.
      await unlink(path)
    } else if (name.endsWith(PENDING_SUFFIX)) {
      try {
        const plan = await readPlan(path, master)
        files.set(plan.id, { plan, bytes: (await stat(path)).size })
      } catch (error) {
        logger.error({ error, path }, 'A pending delivery cannot be read; it is left where it is.')
      }
    }
  }
  return {
    list: () => [...files.values()].sort((a, b) => a.plan.plannedAt - b.plan.plannedAt),
    has: (id) => files.has(id),
    bytes: () => [...files.values()].reduce((sum, file) => sum + file.bytes, 0),
    write: async (plan, body) => {
      const { wrapped, cipher } = master.newDataKey()
      const sealedPlan = framed(cipher.seal(Buffer.from(JSON.stringify(plan))))
      const content = Buffer.concat([MAGIC, wrapped, sealedPlan, framed(cipher.seal(body))])
      unsure.add(plan.id)
      await writeFileDurably(pathOf(plan.id), content)
      unsure.delete(plan.id)
      files.set(plan.id, { plan, bytes: content.length })
    },
    read: (id) => readBody(pathOf(id), master),
    remove: async (id) => {
      if (!files.has(id) && !unsure.has(id)) return
      await rm(pathOf(id), { force: true })
      await syncFolder(folder)
      files.delete(id)
      unsure.delete(id)
    },
  }
}
