import { CHECKSUM_ALGORITHMS } from '../../../outlets/file-system/content/digests.ts'
import type { StoredChecksum, StoredPart } from '../../../outlets/file-system/stored-object.ts'
import type { Completion, Upload } from '../../../outlets/file-system/uploads.ts'
import { leaves, xmlAnswer } from '../answer.ts'
import { LIST_BODY_BYTES_MAX, nodesOf, parseXml, readSmall, wordOf } from '../body.ts'
import { invalidArgument, S3Fault } from '../fault.ts'
import { encodeKey } from '../listing/parameters.ts'
import { checksumElements, checksumHeader } from '../objects/checksums.ts'
import { putConditionOf } from '../objects/conditions.ts'
import type { BucketHandler, S3Request } from '../request.ts'
import { mapStoreErrors } from '../store-errors.ts'
import { combineCyclic, composite, isCyclic, multipartEtag } from './combine.ts'
import { PARTS_MAX } from './upload-part.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html; the last part may be smaller. */
export const PART_BYTES_MIN = 5 * 1024 * 1024

interface Wanted {
  readonly number: number
  readonly etag: string
  readonly checksums: ReadonlyMap<string, string>
}

const parseWanted = (body: Buffer): Wanted[] => {
  const wanted = nodesOf(parseXml(body, 'CompleteMultipartUpload'), 'Part').map((node) => {
    const number = wordOf(node, 'PartNumber') ?? ''
    const etag = wordOf(node, 'ETag')
    if (!/^\d{1,5}$/.test(number) || etag === undefined) throw new S3Fault('MalformedXML')
    const checksums = new Map<string, string>()
    for (const algorithm of CHECKSUM_ALGORITHMS) {
      const value = wordOf(node, `Checksum${algorithm}`)
      if (value !== undefined) checksums.set(algorithm, value)
    }
    return { number: Number(number), etag: etag.replaceAll('"', ''), checksums }
  })
  if (wanted.length === 0 || wanted.length > PARTS_MAX) throw new S3Fault('MalformedXML')
  wanted.forEach(({ number }, index) => {
    if (number <= (wanted[index - 1]?.number ?? 0)) throw new S3Fault('InvalidPartOrder')
  })
  return wanted
}

const choose = (
  uploadId: string,
  wanted: readonly Wanted[],
  parts: readonly StoredPart[],
): StoredPart[] => {
  const byNumber = new Map(parts.map((part) => [part.number, part]))
  return wanted.map(({ number, etag, checksums }, index) => {
    const part = byNumber.get(number)
    const details = { UploadId: uploadId, PartNumber: String(number), ETag: etag }
    const differs = [...checksums].some(
      ([algorithm, value]) =>
        part?.checksum?.algorithm === algorithm && part.checksum.value !== value,
    )
    if (part === undefined || part.etag.replaceAll('"', '') !== etag || differs) {
      throw new S3Fault('InvalidPart', undefined, details)
    }
    if (part.size < PART_BYTES_MIN && index < wanted.length - 1) {
      throw new S3Fault('EntityTooSmall', undefined, {
        ...details,
        ProposedSize: String(part.size),
        MinSizeAllowed: String(PART_BYTES_MIN),
      })
    }
    return part
  })
}

/**
 * An upload that named no algorithm takes that of its parts, when they agree: cyclic ones as a
 * checksum of the whole object, as S3 does by default.
 */
const checksumOf = (upload: Upload, parts: readonly StoredPart[]): StoredChecksum | undefined => {
  const algorithm = upload.checksum?.algorithm ?? parts[0]?.checksum?.algorithm
  if (algorithm === undefined) return undefined
  const known = parts.flatMap(({ size, checksum }) =>
    checksum?.algorithm === algorithm ? [{ size, value: checksum.value }] : [],
  )
  if (known.length !== parts.length) return undefined
  const type = upload.checksum?.type ?? (isCyclic(algorithm) ? 'FULL_OBJECT' : 'COMPOSITE')
  if (type === 'FULL_OBJECT') {
    if (!isCyclic(algorithm)) return undefined
    return { algorithm, type, value: combineCyclic(algorithm, known) }
  }
  if (algorithm === 'CRC64NVME') return undefined
  return {
    algorithm,
    type,
    value: composite(
      algorithm,
      known.map(({ value }) => value),
    ),
  }
}

const checkDeclared = (
  { headers }: S3Request,
  checksum: StoredChecksum | undefined,
  size: number,
): void => {
  const declaredSize = headers['x-amz-mp-object-size']
  if (declaredSize !== undefined && declaredSize !== String(size)) {
    throw new S3Fault(
      'InvalidRequest',
      `The provided 'x-amz-mp-object-size' header does not match what was computed. Provided value: ${declaredSize}, computed: ${size}`,
    )
  }
  const declaredType = headers['x-amz-checksum-type']
  if (declaredType !== undefined && checksum !== undefined && declaredType !== checksum.type) {
    throw invalidArgument(
      'The checksum type does not match that of the upload.',
      'x-amz-checksum-type',
      declaredType,
    )
  }
  if (checksum === undefined) return
  const declared = headers[checksumHeader(checksum.algorithm)]
  if (declared === undefined || declared === checksum.value) return
  throw new S3Fault(
    'BadDigest',
    `The ${checksum.algorithm} you specified did not match the calculated checksum.`,
  )
}

export const completeMultipartUpload: BucketHandler = async (request, { store }) => {
  const { bucket, key, call, headers } = request
  const uploadId = request.query.get('uploadId') ?? ''
  const wanted = parseWanted(await readSmall(call.body, LIST_BODY_BYTES_MAX))
  const decide = (upload: Upload, parts: StoredPart[]): Completion => {
    const chosen = choose(uploadId, wanted, parts)
    const checksum = checksumOf(upload, chosen)
    checkDeclared(
      request,
      checksum,
      chosen.reduce((sum, { size }) => sum + size, 0),
    )
    return {
      numbers: chosen.map(({ number }) => number),
      etag: multipartEtag(chosen.map(({ etag }) => etag)),
      ...(checksum !== undefined && { checksum }),
    }
  }
  const object = await mapStoreErrors(request, () =>
    store.uploads.complete(bucket, key, uploadId, decide, putConditionOf(request)),
  )
  const scheme = call.secureTransport ? 'https' : 'http'
  return xmlAnswer(
    'CompleteMultipartUploadResult',
    leaves({
      Location: `${scheme}://${headers.host ?? 'localhost'}/${bucket}/${encodeKey(key)}`,
      Bucket: bucket,
      Key: key,
      ETag: object.etag,
      ...checksumElements(object.checksum),
    }),
    { 'x-amz-server-side-encryption': 'AES256' },
  )
}
