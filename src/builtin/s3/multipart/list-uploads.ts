/** ListParts and ListMultipartUploads. */
import type { Upload } from '../../../outlets/file-system/uploads.ts'
import { group, isoTime, leaf, leaves, xmlAnswer } from '../answer.ts'
import { commonPrefixXml, listingParameters, ownerXml } from '../listing/parameters.ts'
import { type BucketHandler, integerOf } from '../request.ts'
import { mapStoreErrors } from '../store-errors.ts'

const PAGE_MAX = 1_000

const checksumXml = ({ checksum }: Upload): string =>
  checksum === undefined
    ? ''
    : leaves({ ChecksumAlgorithm: checksum.algorithm, ChecksumType: checksum.type })

export const listParts: BucketHandler = async (request, { store }) => {
  const { bucket, key } = request
  const uploadId = request.query.get('uploadId') ?? ''
  const max = Math.min(PAGE_MAX, integerOf(request, 'max-parts', PAGE_MAX))
  const marker = integerOf(request, 'part-number-marker', 0)
  const { upload, parts } = await mapStoreErrors(request, () => {
    const found = store.uploads.find(bucket, key, uploadId)
    return { upload: found, parts: store.uploads.parts(bucket, found, marker, max + 1) }
  })
  const shown = parts.slice(0, max)
  const isTruncated = max > 0 && parts.length > max
  const partsXml = shown.map((part) =>
    group(
      'Part',
      leaves({
        PartNumber: part.number,
        LastModified: isoTime(part.lastModified),
        ETag: part.etag,
        Size: part.size,
      }),
      part.checksum === undefined || upload.checksum === undefined
        ? ''
        : leaf(`Checksum${part.checksum.algorithm}`, part.checksum.value),
    ),
  )
  return xmlAnswer(
    'ListPartsResult',
    leaves({ Bucket: bucket, Key: key, UploadId: uploadId }) +
      ownerXml(upload.initiator, 'Initiator') +
      ownerXml(request.owner.account) +
      leaves({
        StorageClass: upload.storageClass,
        PartNumberMarker: marker,
        NextPartNumberMarker: shown.at(-1)?.number ?? 0,
        MaxParts: max,
        IsTruncated: isTruncated,
      }) +
      checksumXml(upload) +
      partsXml.join(''),
  )
}

export const listMultipartUploads: BucketHandler = async (request, { store }) => {
  const { query, bucket } = request
  const { prefix, delimiter, max, show, encodingType } = listingParameters(request, 'max-uploads')
  const after = query.get('key-marker') ?? ''
  const afterId = query.get('upload-id-marker') || undefined
  const { entries, truncated } = await mapStoreErrors(request, () =>
    store.uploads.list(bucket, {
      prefix,
      delimiter,
      after,
      limit: max,
      ...(afterId !== undefined && after !== '' && { afterId }),
    }),
  )
  const uploadsXml = entries.map((entry) => {
    if ('commonPrefix' in entry) return commonPrefixXml(entry.commonPrefix, show)
    const { upload } = entry
    return group(
      'Upload',
      leaves({ Key: show(upload.key), UploadId: upload.id }),
      ownerXml(upload.initiator, 'Initiator'),
      ownerXml(request.owner.account),
      leaves({ StorageClass: upload.storageClass, Initiated: isoTime(upload.initiated) }),
      checksumXml(upload),
    )
  })
  const last = truncated ? entries.at(-1) : undefined
  const next = last && ('upload' in last ? last.upload.key : last.commonPrefix)
  return xmlAnswer(
    'ListMultipartUploadsResult',
    leaves({
      Bucket: bucket,
      KeyMarker: show(after),
      UploadIdMarker: afterId ?? '',
      NextKeyMarker: next && show(next),
      NextUploadIdMarker: last && 'upload' in last ? last.upload.id : undefined,
      Delimiter: delimiter === '' ? undefined : show(delimiter),
      Prefix: show(prefix),
      EncodingType: encodingType,
      MaxUploads: max,
      IsTruncated: truncated,
    }) + uploadsXml.join(''),
  )
}
