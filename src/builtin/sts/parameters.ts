import type { VerifiedCall } from '../../identity/verified-call.ts'
import { StsFault } from './sts-fault.ts'

/** 50 tags of the greatest length, percent-encoded, with room to spare. */
export const BODY_BYTES_MAX = 128 * 1024

const readBody = async ({ body }: VerifiedCall): Promise<string> => {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of Buffer.isBuffer(body) ? [body] : body) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk as Uint8Array)
    size += bytes.length
    if (size > BODY_BYTES_MAX) {
      throw new StsFault(
        'RequestEntityTooLarge',
        `The request is larger than ${BODY_BYTES_MAX} bytes.`,
      )
    }
    chunks.push(bytes)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** The parameters of a query-protocol call: those of the URL and those of the form. */
export const readParameters = async (call: VerifiedCall): Promise<URLSearchParams> => {
  const parameters = new URLSearchParams(call.rawQuery)
  for (const [name, value] of new URLSearchParams(await readBody(call))) {
    parameters.append(name, value)
  }
  return parameters
}

/**
 * The members `Name.member.1`, `Name.member.2`, … up to the first that is missing, and at most one
 * more than there may be: the constraint on the list's length then refuses them.
 */
export const listOf = <Item>(
  name: string,
  max: number,
  read: (prefix: string) => Item | undefined,
): Item[] => {
  const items: Item[] = []
  while (items.length <= max) {
    const item = read(`${name}.member.${items.length + 1}`)
    if (item === undefined) break
    items.push(item)
  }
  return items
}

/** Whether a parameter, or a member of it, was sent. */
export const wasSent = (parameters: URLSearchParams, name: string): boolean =>
  [...parameters.keys()].some((key) => key === name || key.startsWith(`${name}.`))

/** Refuses parameters that would have no effect, by name. */
export const refuseUnsupported = (
  parameters: URLSearchParams,
  operation: string,
  names: readonly string[],
): void => {
  const sent = names.find((name) => wasSent(parameters, name))
  if (sent === undefined) return
  throw new StsFault(
    'UnsupportedOperationException',
    `The parameter ${sent} of ${operation} is not supported by the built-in STS.`,
  )
}
