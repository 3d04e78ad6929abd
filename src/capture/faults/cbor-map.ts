/** The bytes of a CBOR map of texts (RFC 8949): all that an error of rpc-v2-cbor needs. */

const head = (major: number, length: number): Buffer => {
  if (length < 24) return Buffer.from([(major << 5) | length])
  if (length < 0x100) return Buffer.from([(major << 5) | 24, length])
  if (length < 0x10000) return Buffer.from([(major << 5) | 25, length >> 8, length & 0xff])
  const wide = Buffer.alloc(5)
  wide[0] = (major << 5) | 26
  wide.writeUInt32BE(length, 1)
  return wide
}

const TEXT = 3
const MAP = 5

const text = (value: string): Buffer => {
  const bytes = Buffer.from(value)
  return Buffer.concat([head(TEXT, bytes.length), bytes])
}

export const cborMap = (entries: Readonly<Record<string, string>>): Buffer => {
  const pairs = Object.entries(entries)
  return Buffer.concat([
    head(MAP, pairs.length),
    ...pairs.flatMap(([name, value]) => [text(name), text(value)]),
  ])
}
