import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { brotliCompressSync } from 'node:zlib'
import { CatalogueError, loadCatalogue } from './catalogue.ts'

const catalogue = loadCatalogue()
const operation = (service: string, name: string) => {
  const found = catalogue.service(service)?.operations.get(name)
  assert.ok(found !== undefined)
  return found
}

describe('the catalogue', () => {
  it('has 79 services in less than 500 KB', () => {
    assert.equal(catalogue.index.length, 79)
    const file = new URL('./catalogue.generated.ndjson.br', import.meta.url)
    assert.ok(statSync(file).size < 500_000)
    assert.equal(catalogue.service('nothing'), undefined)
  })

  it('knows what reads, what changes, and the exceptions', () => {
    const readOnly = (service: string, name: string) => operation(service, name).readOnly
    assert.deepEqual(
      [
        readOnly('kms', 'Encrypt'),
        readOnly('kms', 'GenerateDataKey'),
        readOnly('sts', 'AssumeRole'),
      ],
      [true, true, true],
    )
    assert.deepEqual(
      [
        ...[readOnly('sts', 'GetSessionToken'), readOnly('sts', 'GetFederationToken')],
        ...[readOnly('kms', 'CancelKeyDeletion'), readOnly('s3', 'PutObject')],
      ],
      [false, false, false, false],
    )
  })

  it('keeps shapes, sensitive members and names on the wire', () => {
    const secret = operation('secretsmanager', 'CreateSecret').input?.byName.get('SecretString')
    assert.equal(secret?.sensitive, true)
    const key = operation('s3', 'GetObject').input?.byName.get('VersionId')
    assert.deepEqual([key?.location, key?.wire], ['q', 'versionId'])
    const instances = operation('ec2', 'RunInstances').input?.byName.get('BlockDeviceMappings')
    assert.equal(instances?.ec2Name, 'BlockDeviceMapping')
    assert.ok(catalogue.service('kms')?.sensitiveNames().has('plaintext'))
    assert.equal(catalogue.service('iam')?.errors.get('NoSuchEntity'), 'NoSuchEntityException')
  })

  it('follows shapes that contain themselves', () => {
    const item = operation('dynamodb', 'PutItem').input?.byName.get('Item')?.shape().value?.shape()
    const list = item?.byName.get('L')?.shape().element?.shape()
    assert.equal(list, item)
  })

  it('says what is wrong with a file that is damaged or of another version', () => {
    const folder = mkdtempSync(join(tmpdir(), 'clew-catalogue-'))
    const path = join(folder, 'catalogue.br')
    try {
      for (const content of ['damaged', brotliCompressSync('{"version":99,"services":[]}\n')]) {
        writeFileSync(path, content)
        assert.throws(() => loadCatalogue(pathToFileURL(path)), CatalogueError)
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
