/** Events as CloudTrail writes them, with what JSON.stringify(JSON.parse(…)) would change. */
import type { ImportSource } from '../sources/source.ts'

export const ACCOUNT = '210000000001'

export const eventText = (wishes: {
  readonly id: string
  readonly account?: string
  readonly region?: string
  readonly time?: string
  readonly more?: string
}): string => {
  const { id, account = ACCOUNT, region = 'eu-west-1', time = '2026-03-02T08:15:20Z' } = wishes
  return [
    `{"eventVersion":"1.08","userIdentity":{"type":"Root","accountId":"${account}"}`,
    `"eventTime":"${time}","eventSource":"ec2.amazonaws.com","eventName":"RunInstances"`,
    `"awsRegion":"${region}","requestParameters":{"ratio":243.0,"big":1.68E9}`,
    `"eventID":"${id}","readOnly":false,"eventType":"AwsApiCall"${wishes.more ?? ''}`,
    `"recipientAccountId":"${account}","eventCategory":"Management"}`,
  ].join(',')
}

export const documentOf = (texts: readonly string[]): Buffer =>
  Buffer.from(`{"Records":[${texts.join(',')}]}`)

export const sourceOf = (
  name: string,
  stored: Buffer,
  pieceBytes = 1_000,
  version = '1',
): ImportSource => ({
  name,
  size: stored.length,
  version,
  open: async function* () {
    for (let at = 0; at < stored.length; at += pieceBytes) {
      yield Buffer.from(stored.subarray(at, at + pieceBytes))
    }
  },
})
