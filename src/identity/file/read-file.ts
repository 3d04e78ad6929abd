import { readFile, stat } from 'node:fs/promises'
import { messageOf } from '../../platform/errors.ts'
import type { Logger } from '../../platform/logger.ts'
import { IdentitiesFileError } from './identities-file.ts'

export const IDENTITIES_FILE_BYTES_MAX = 4 * 1024 * 1024
export const SECRET_FILE_BYTES_MAX = 4 * 1024

const GROUP_AND_OTHERS_READ = 0o044

/** Reads a file that holds secrets, and warns when others on this machine can read it too. */
export const readPrivateFile = async (
  path: string,
  bytesMax: number,
  logger: Logger,
): Promise<string> => {
  try {
    const { mode, size } = await stat(path)
    if (size > bytesMax) {
      throw new IdentitiesFileError('unreadable', `${path} has more than ${bytesMax} bytes.`)
    }
    if ((mode & GROUP_AND_OTHERS_READ) !== 0) {
      logger.warn({ path }, 'a file with secrets is readable by others: chmod 600 it')
    }
    return await readFile(path, 'utf8')
  } catch (cause) {
    if (cause instanceof IdentitiesFileError) throw cause
    throw new IdentitiesFileError('unreadable', `${path}: ${messageOf(cause)}`, { cause })
  }
}
