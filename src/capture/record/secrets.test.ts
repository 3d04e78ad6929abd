/**
 * No secret in any record: every operation of the ten services of the first release (and STS), with
 * every member filled, the sensitive ones with a marked text. Marked are what the model calls
 * sensitive, what AWS keeps out of its records though the model is silent, and blobs.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { answerOf, callOf } from '../../../test/capture/captured-call.ts'
import { type Marks, valueFor } from '../../../test/capture/model-values.ts'
import { answerBody, requestFor } from '../../../test/capture/serialise.ts'
import { loadCatalogue } from '../catalogue/catalogue.ts'
import { identify } from '../router/identify.ts'
import { createRecordCall } from './record-call.ts'

const catalogue = loadCatalogue()
const identified = identify(catalogue)
const record = createRecordCall({ catalogue })

/** Reference/capture.md §6.1: kept out by AWS, without a trait in the model. */
const SECRET_MEMBERS: Readonly<Record<string, readonly string[]>> = {
  iam: ['SecretAccessKey', 'Password', 'ServicePassword', 'AuthenticationCode1'],
  sts: ['SecretAccessKey', 'SessionToken', 'WebIdentityToken', 'SAMLAssertion', 'TokenCode'],
  ec2: ['UserData', 'KeyMaterial', 'PreSharedKey', 'PasswordData'],
  dynamodb: ['Item', 'ExpressionAttributeValues', 'Statement', 'Parameters', 'AttributeUpdates'],
  sqs: ['MessageBody', 'MessageAttributes', 'MessageSystemAttributes'],
  sns: ['Message', 'Subject', 'MessageAttributes', 'Token', 'CustomUserData'],
  kms: ['Plaintext', 'CiphertextBlob', 'GrantToken', 'Message'],
  lambda: ['Environment', 'ZipFile', 'ClientContext'],
  secretsmanager: ['SecretString', 'SecretBinary'],
  cloudformation: ['TemplateBody', 'ParameterValue'],
  stepfunctions: ['input', 'output', 'definition', 'cause', 'taskToken'],
}

const PLAIN = 'plain-text'
const MARKED = 'topsecret'
const BASE64 = Buffer.from(MARKED).toString('base64').replace(/=+$/, '')

const marksFor = (serviceId: string): Marks => {
  const names = new Set(SECRET_MEMBERS[serviceId])
  return { secret: (member) => names.has(member.name), plain: PLAIN, marked: MARKED }
}

const recordText = (serviceId: string, name: string, marks: Marks): string => {
  const entry = catalogue.index.find(({ id }) => id === serviceId)
  const operation = catalogue.service(serviceId)?.operations.get(name)
  assert.ok(entry !== undefined && operation !== undefined)
  const input = operation.input === undefined ? {} : valueFor(operation.input, marks)
  const output = operation.output === undefined ? {} : valueFor(operation.output, marks)
  const { head, body } = requestFor(entry, operation, input as Record<string, unknown>)
  const scope = { signingName: entry.signingName, region: 'eu-west-1' }
  const identity = identified(head, scope, body)
  assert.equal(identity.operation, name)
  const answer = answerOf({ body: answerBody(entry, operation, output as Record<string, unknown>) })
  return record(callOf(head, identity, body), answer)
    .map((event) => event.text.toString())
    .join()
}

describe('no secret in the records of', () => {
  for (const serviceId of Object.keys(SECRET_MEMBERS)) {
    it(serviceId, (t) => {
      const leaks: string[] = []
      let shown = 0
      const marks = marksFor(serviceId)
      const operations = [...(catalogue.service(serviceId)?.operations.keys() ?? [])]
      for (const name of operations) {
        const text = recordText(serviceId, name, marks)
        if (text.includes(MARKED) || text.includes(BASE64)) leaks.push(`${name}: ${text}`)
        if (text.includes(PLAIN)) shown++
      }
      assert.deepEqual(leaks, [])
      t.diagnostic(`${operations.length} operations, ${shown} with parameters`)
      // The records are not empty: what is no secret is there.
      assert.ok(shown > operations.length / 2)
    })
  }

  it('any other service, by its model alone', (t) => {
    const marks: Marks = { secret: () => false, plain: PLAIN, marked: MARKED }
    const leaks: string[] = []
    let count = 0
    for (const { id, protocols } of catalogue.index) {
      const [protocol = 'json'] = protocols
      if (id in SECRET_MEMBERS || !['json', 'query', 'rest-json'].includes(protocol)) continue
      for (const name of catalogue.service(id)?.operations.keys() ?? []) {
        const text = recordText(id, name, marks)
        if (text.includes(MARKED) || text.includes(BASE64)) leaks.push(`${id}.${name}: ${text}`)
        count++
      }
    }
    assert.deepEqual(leaks, [])
    t.diagnostic(`${count} operations`)
    assert.ok(count > 4000)
  })
})
