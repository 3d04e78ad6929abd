/** A thread that reads files, takes them for gzip and hashes what is in them; ends with its port. */
import { readFileSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import type { ContentHash } from '../../../integrity/verification.ts'
import { messageOf, systemCodeOf } from '../../../platform/errors.ts'
import { hashOfMember } from './gzip-member.ts'

export interface HashTask {
  readonly id: number
  readonly path: string
}

/** Neither `content` nor `error`: there is no such file. */
export interface HashAnswer {
  readonly id: number
  readonly content?: ContentHash
  readonly error?: string
}

/** A key that is a folder, or lies below a file, names no object. */
const ABSENT: readonly (string | undefined)[] = ['ENOENT', 'ENOTDIR', 'EISDIR']

const answerTo = ({ id, path }: HashTask): HashAnswer => {
  try {
    return { id, content: hashOfMember(readFileSync(path)) }
  } catch (error) {
    return ABSENT.includes(systemCodeOf(error)) ? { id } : { id, error: messageOf(error) }
  }
}

parentPort?.on('message', (task: HashTask) => parentPort?.postMessage(answerTo(task)))
