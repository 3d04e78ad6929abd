/** Our reader of one gzip member against mutated members, several of them, lies and bombs. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { constants, crc32, deflateRawSync, gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import {
  hashOfMember,
  inflateGzipMember,
} from '../../../src/commands/verify/content/gzip-member.ts'
import { type Mutation, mutate, mutations } from '../mutations.ts'
import { holds } from '../runs.ts'

const contents = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc
    .tuple(fc.string({ maxLength: 20 }), fc.nat(400))
    .map(([text, times]) => Buffer.from(text.repeat(times))),
)

interface Header {
  readonly extra: Uint8Array | undefined
  readonly name: string | undefined
  readonly comment: string | undefined
  readonly crc: boolean
  readonly level: number
}

const plainText = fc.string({ unit: fc.constantFrom(...'abc.gz-'), maxLength: 6 })
const headers: fc.Arbitrary<Header> = fc.record({
  extra: fc.option(fc.uint8Array({ maxLength: 9 }), { nil: undefined }),
  name: fc.option(plainText, { nil: undefined }),
  comment: fc.option(plainText, { nil: undefined }),
  crc: fc.boolean(),
  level: fc.constantFrom(0, 1, 9),
})

const u16 = (value: number): Buffer => Buffer.from([value & 0xff, value >> 8])
const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value >>> 0)
  return bytes
}

/** RFC 1952 §2.3, every optional field. */
const memberOf = (content: Buffer, { extra, name, comment, crc, level }: Header): Buffer => {
  const flags =
    (crc ? 2 : 0) |
    (extra ? 4 : 0) |
    (name === undefined ? 0 : 8) |
    (comment === undefined ? 0 : 16)
  const head = Buffer.concat([
    Buffer.from([0x1f, 0x8b, 8, flags, 1, 2, 3, 4, 0, 255]),
    ...(extra ? [u16(extra.length), extra] : []),
    ...[name, comment].filter((text) => text !== undefined).map((text) => Buffer.from(`${text}\0`)),
  ])
  return Buffer.concat([
    head,
    ...(crc ? [u16(crc32(head) & 0xffff)] : []),
    deflateRawSync(content, { level }),
    u32(crc32(content)),
    u32(content.length),
  ])
}

/** What follows is not looked at by Node's own reader where it is no member, so only the rest counts. */
const nodes = (body: Buffer): Buffer | undefined => {
  try {
    return gunzipSync(body, { maxOutputLength: 1 << 20 })
  } catch {
    // Whatever is wrong with it: it is no gzip to Node either.
    return undefined
  }
}

describe('one gzip member', () => {
  it('is read whatever its header has', () =>
    holds<[Buffer, Header]>(150, [contents, headers], (content, header) => {
      const read = inflateGzipMember(memberOf(content, header))
      assert.ok(read)
      assert.deepEqual(Buffer.from(read.data), content)
      assert.equal(read.trailing, false)
    }))

  it('is seen to be followed by anything', () =>
    holds<[Buffer, Header, Uint8Array]>(
      100,
      [contents, headers, fc.uint8Array({ minLength: 1, maxLength: 30 })],
      (content, header, rest) => {
        const member = memberOf(content, header)
        for (const tail of [rest, member, gzipSync(rest), Buffer.alloc(1)]) {
          const read = inflateGzipMember(Buffer.concat([member, tail]))
          assert.ok(read)
          assert.deepEqual(Buffer.from(read.data), content)
          assert.equal(read.trailing, true)
        }
      },
    ))

  it('with mutated bytes is what Node reads too, or is none', () =>
    holds<[Buffer, Header, Mutation[]]>(
      600,
      [contents, headers, mutations],
      (content, header, changes) => {
        const body = mutate(memberOf(content, header), changes)
        const read = inflateGzipMember(body)
        if (read === undefined) return
        // The trailer holds, so this is a member; Node may refuse what follows it.
        if (!read.trailing) assert.deepEqual(Buffer.from(read.data), nodes(body) ?? read.data)
        assert.ok(hashOfMember(body).sha256 !== undefined)
      },
    ))

  it('of any bytes never throws', () =>
    holds<[Uint8Array]>(400, [fc.uint8Array({ maxLength: 200 })], (bytes) => {
      const headed = Buffer.concat([Buffer.from([0x1f, 0x8b, 8]), bytes])
      for (const body of [bytes, headed])
        assert.ok([true, false].includes(hashOfMember(body).trailing))
    }))

  it('whose checksum or length lie is none', () => {
    const content = Buffer.from('{"Records":[]}')
    const member = gzipSync(content)
    for (const at of [8, 7, 6, 5, 4, 3, 2, 1]) {
      const lie = Buffer.from(member)
      lie[lie.length - at] = (lie[lie.length - at] ?? 0) ^ 0x40
      assert.equal(inflateGzipMember(lie), undefined, `byte ${at} from the end`)
    }
    for (let cut = 0; cut < member.length; cut++) {
      assert.equal(inflateGzipMember(member.subarray(0, cut)), undefined, `${cut} bytes`)
    }
  })

  it('of more than a log file ever holds is none, and costs no more memory than the limit', {
    timeout: 60_000,
  }, () => {
    // Stored twice over: 513 MiB of zeros in half a MiB, without making them first.
    const piece = deflateRawSync(Buffer.alloc(1 << 24), { finishFlush: constants.Z_FULL_FLUSH })
    const bomb = Buffer.concat([
      Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]),
      ...Array.from({ length: 33 }, () => piece),
      Buffer.from([3, 0]),
      u32(0),
      u32(33 << 24),
    ])
    assert.equal(inflateGzipMember(bomb), undefined)
  })
})
