/** Imports that are cut off and repeated: every event of their files must be in the history once. */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '../conformance/run-command.ts'
import { ACCOUNT } from '../conformance/trail-setup.ts'

const EVENTS_PER_FILE = 300

export interface Imports extends Disposable {
  /** Imports a new file; resolves however that ends. */
  begin(data: string): Promise<void>
  /** Repeats every import; rejects where one does not succeed now. */
  finish(data: string): Promise<void>
  /** Of all files so far. */
  readonly eventIds: Set<string>
}

const eventOf = (eventID: string, index: number) => ({
  eventVersion: '1.11',
  userIdentity: { type: 'IAMUser', accountId: ACCOUNT, userName: 'imported' },
  eventTime: new Date(Date.now() - 3_600_000 - index * 1_000).toISOString().replace(/\.\d+/, ''),
  eventSource: 'sqs.amazonaws.com',
  eventName: 'CreateQueue',
  awsRegion: 'us-east-1',
  sourceIPAddress: '192.0.2.1',
  userAgent: 'soak',
  eventID,
  readOnly: false,
  eventType: 'AwsApiCall',
  managementEvent: true,
  recipientAccountId: ACCOUNT,
  eventCategory: 'Management',
})

const importFile = (file: string, data: string) =>
  run(process.execPath, ['--no-maglev', 'src/main.ts', 'import', file, '--data', data])

export const openImports = (): Imports => {
  const folder = mkdtempSync(join(tmpdir(), 'clew-imports-'))
  const files: string[] = []
  const eventIds = new Set<string>()
  return {
    eventIds,
    begin: async (data) => {
      const ids = Array.from({ length: EVENTS_PER_FILE }, () => randomUUID())
      const file = join(folder, `${files.length}.ndjson`)
      writeFileSync(
        file,
        ids.map((id, index) => `${JSON.stringify(eventOf(id, index))}\n`).join(''),
      )
      files.push(file)
      for (const id of ids) eventIds.add(id)
      await importFile(file, data)
    },
    finish: async (data) => {
      for (const file of files) {
        const { code, stderr } = await importFile(file, data)
        if (code !== 0) throw new Error(`clew import ${file} exited with ${code}: ${stderr}`)
      }
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}
