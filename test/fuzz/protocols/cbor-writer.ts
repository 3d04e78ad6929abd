/** CBOR (RFC 8949) of plain values, written for the tests alone. */

const head = (major: number, value: number): Buffer => {
  if (value < 24) return Buffer.from([(major << 5) | value])
  const bytes = Buffer.alloc(9)
  bytes[0] = (major << 5) | 27
  bytes.writeBigUInt64BE(BigInt(value), 1)
  return bytes
}

export const cborOf = (value: unknown): Buffer => {
  if (value === null || value === undefined) return Buffer.from([0xf6])
  if (typeof value === 'boolean') return Buffer.from([value ? 0xf5 : 0xf4])
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) return value < 0 ? head(1, -1 - value) : head(0, value)
    const bytes = Buffer.alloc(9)
    bytes[0] = 0xfb
    bytes.writeDoubleBE(value, 1)
    return bytes
  }
  if (typeof value === 'string') {
    const bytes = Buffer.from(value)
    return Buffer.concat([head(3, bytes.length), bytes])
  }
  if (Array.isArray(value)) return Buffer.concat([head(4, value.length), ...value.map(cborOf)])
  const entries = Object.entries(value)
  return Buffer.concat([
    head(5, entries.length),
    ...entries.flatMap(([key, item]) => [cborOf(key), cborOf(item)]),
  ])
}
