/** The requests and answers of test/golden/records, as bytes. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SigningScope } from '../../../src/capture/call.ts'
import type { GoldenRecord } from '../../capture/golden-record.ts'

export interface WireCase {
  readonly name: string
  readonly method: string
  readonly path: Buffer
  readonly query: Buffer
  readonly headers: Readonly<Record<string, string>>
  readonly scope: SigningScope | undefined
  readonly body: Buffer
  readonly status: number
  readonly answerHeaders: Readonly<Record<string, string>>
  readonly answer: Buffer
}

const FOLDER = join(import.meta.dirname, '../../golden/records')

const caseOf = (file: string): WireCase => {
  const golden = JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as GoldenRecord
  const { method, path, query, headers, scope, body = '' } = golden.request
  return {
    name: file,
    method,
    path: Buffer.from(path),
    query: Buffer.from(query),
    headers,
    scope,
    body: Buffer.from(body),
    status: golden.answer?.status ?? 200,
    answerHeaders: golden.answer?.headers ?? {},
    answer: Buffer.from(golden.answer?.body ?? ''),
  }
}

export const corpus: readonly WireCase[] = globSync('*.json', { cwd: FOLDER }).sort().map(caseOf)
