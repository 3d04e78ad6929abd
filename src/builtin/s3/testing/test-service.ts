/** A built-in S3 on a throw-away store, for tests. */
import { rm } from 'node:fs/promises'
import type { BuiltinService } from '../../../identity/verified-call.ts'
import type { FileObjectStore } from '../../../outlets/file-system/file-object-store.ts'
import {
  openTestStore,
  temporaryFolder,
} from '../../../outlets/file-system/testing/temporary-store.ts'
import { silentLogger } from '../../../platform/logger.ts'
import { authorizeS3, type EvaluateBucketPolicy } from '../authorize.ts'
import { createBuiltinS3 } from '../service.ts'
import { type TestCallOptions, testCall } from './http-adapter.ts'

export interface TestS3 {
  readonly store: FileObjectStore
  readonly service: BuiltinService
  /** Calls without HTTP between; the answer's body as text. */
  ask(
    options: TestCallOptions,
  ): Promise<{ status: number; headers: Readonly<Record<string, string>>; text: string }>
  close(): Promise<void>
}

const bodyText = async (body: Awaited<ReturnType<BuiltinService>>['body']): Promise<string> =>
  Buffer.isBuffer(body)
    ? body.toString('latin1')
    : Buffer.concat(await body.toArray()).toString('latin1')

export const testS3 = async (evaluate: EvaluateBucketPolicy = () => 'none'): Promise<TestS3> => {
  const folder = await temporaryFolder()
  const store = await openTestStore(folder)
  const service = createBuiltinS3({
    store,
    logger: silentLogger,
    authorize: authorizeS3(evaluate),
  })
  return {
    store,
    service,
    ask: async (options) => {
      const { status, headers, body } = await service(testCall(options))
      return { status, headers, text: await bodyText(body) }
    },
    close: async () => {
      await store.close()
      await rm(folder, { recursive: true })
    },
  }
}
