import { parseTrailer } from './chunk-header.ts'
import type { ChunkSignatures } from './chunk-signatures.ts'
import { PayloadError } from './payload-error.ts'
import type { PayloadMode } from './payload-mode.ts'

type Chunked = Extract<PayloadMode, { kind: 'chunked' }>

const TRAILERS_MAX = 16
const SIGNATURE = 'x-amz-trailer-signature'

const malformed = (message: string): PayloadError =>
  new PayloadError('MalformedTrailerError', message)

/** Collects the trailing headers after the last chunk and checks them against x-amz-trailer. */
export const createTrailers = (mode: Chunked, signatures: ChunkSignatures) => {
  const values: Record<string, string> = {}
  const names: string[] = []
  let signature: string | undefined
  return {
    values: values as Readonly<Record<string, string>>,
    add: (line: string): void => {
      const [name, value] = parseTrailer(line)
      if (signature !== undefined) throw malformed('A trailer follows the trailer signature.')
      if (name === SIGNATURE) {
        signature = value
        return
      }
      if (!mode.trailerNames.includes(name)) throw malformed(`x-amz-trailer does not name ${name}.`)
      if (names.includes(name) || names.length >= TRAILERS_MAX)
        throw malformed('Too many trailers.')
      names.push(name)
      values[name] = value
    },
    /** The empty line came: all trailers are there. */
    finish: (): void => {
      const missing = mode.trailerNames.find((name) => !names.includes(name))
      if (missing !== undefined) throw malformed(`The trailer ${missing} is missing.`)
      if (!mode.signed || !mode.trailer) return
      if (signature === undefined) throw malformed('The trailer signature is missing.')
      signatures.trailer(names.map((name) => `${name}:${values[name]}\n`).join(''), signature)
    },
  }
}
