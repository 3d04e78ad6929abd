/** `Range` of reads: RFC 9110 section 14. */
import type { ByteRange } from '../../../outlets/file-system/stored-object.ts'
import { S3Fault } from '../fault.ts'

/**
 * One range of bytes inside `size`. A header that cannot be read, or names several ranges, is
 * ignored (undefined), as S3 does; one that lies outside is 416.
 */
export const parseRange = (header: string | undefined, size: number): ByteRange | undefined => {
  // Two runs of optional space around optional digits would take quadratic time on a header that
  // is nothing but space.
  const bare = (header ?? '').replaceAll(/[ \t]+/g, '')
  const matched = /^bytes=(\d*)-(\d*)$/i.exec(bare)
  const [from, to] = [matched?.[1] ?? '', matched?.[2] ?? '']
  if (from === '' && to === '') return undefined
  if (from === '') {
    const length = Number(to)
    if (length === 0 || size === 0) throw outside(header, size)
    return { first: Math.max(0, size - length), last: size - 1 }
  }
  const first = Number(from)
  const last = to === '' ? Number.POSITIVE_INFINITY : Number(to)
  if (last < first) return undefined
  if (first >= size) throw outside(header, size)
  return { first, last: Math.min(last, size - 1) }
}

const outside = (header: string | undefined, size: number): S3Fault =>
  new S3Fault(
    'InvalidRange',
    undefined,
    { RangeRequested: header ?? '', ActualObjectSize: String(size) },
    { 'content-range': `bytes */${size}` },
  )
