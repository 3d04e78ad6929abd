import type { StoredObject, StoredPart } from '../../../outlets/file-system/stored-object.ts'
import { group, httpTime, leaf, leaves, xmlAnswer } from '../answer.ts'
import { invalidArgument, S3Fault } from '../fault.ts'
import type { BucketHandler, S3Request } from '../request.ts'
import { mapStoreErrors } from '../store-errors.ts'
import { checksumElements } from './checksums.ts'

const ATTRIBUTES = ['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize'] as const
type Attribute = (typeof ATTRIBUTES)[number]
const PARTS_MAX = 1_000

const attributesOf = (request: S3Request): Set<Attribute> => {
  const header = request.headers['x-amz-object-attributes']
  if (header === undefined) {
    throw new S3Fault('InvalidRequest', 'Missing required header: x-amz-object-attributes')
  }
  const wanted = header.split(',').map((name) => name.trim())
  const known = ATTRIBUTES.filter((name) => wanted.includes(name))
  if (known.length !== new Set(wanted).size) {
    throw invalidArgument('Invalid attribute name specified.', 'x-amz-object-attributes', header)
  }
  return new Set(known)
}

const headerNumber = (request: S3Request, name: string, otherwise: number): number => {
  const value = request.headers[name]
  if (value === undefined) return otherwise
  if (!/^\d{1,9}$/.test(value)) throw invalidArgument(`Invalid ${name}.`, name, value)
  return Number(value)
}

const partsXml = (request: S3Request, parts: readonly StoredPart[]): string => {
  const marker = headerNumber(request, 'x-amz-part-number-marker', 0)
  const max = Math.min(PARTS_MAX, headerNumber(request, 'x-amz-max-parts', PARTS_MAX))
  const rest = parts.filter(({ number }) => number > marker)
  const shown = rest.slice(0, max)
  return group(
    'ObjectParts',
    leaves({
      PartsCount: parts.length,
      PartNumberMarker: marker,
      NextPartNumberMarker: shown.at(-1)?.number ?? 0,
      MaxParts: max,
      IsTruncated: rest.length > shown.length,
    }),
    ...shown.map((part) =>
      group(
        'Part',
        leaves({ PartNumber: part.number, Size: part.size }),
        part.checksum === undefined
          ? ''
          : leaf(`Checksum${part.checksum.algorithm}`, part.checksum.value),
      ),
    ),
  )
}

const attributesXml = (
  request: S3Request,
  wanted: ReadonlySet<Attribute>,
  object: StoredObject,
  parts: readonly StoredPart[],
): string =>
  [
    // Here, and only here, S3 shows the ETag without its quotes.
    wanted.has('ETag') ? leaf('ETag', object.etag.replaceAll('"', '')) : '',
    wanted.has('Checksum') && object.checksum !== undefined
      ? group('Checksum', leaves(checksumElements(object.checksum)))
      : '',
    wanted.has('ObjectParts') && object.uploadId !== undefined ? partsXml(request, parts) : '',
    wanted.has('StorageClass') ? leaf('StorageClass', object.storageClass) : '',
    wanted.has('ObjectSize') ? leaf('ObjectSize', object.size) : '',
  ].join('')

export const getObjectAttributes: BucketHandler = async (request, { store }) => {
  const wanted = attributesOf(request)
  const { object, parts } = await mapStoreErrors(request, () =>
    store.objects.parts(request.bucket, request.key),
  )
  return xmlAnswer('GetObjectAttributesResponse', attributesXml(request, wanted, object, parts), {
    'last-modified': httpTime(object.lastModified),
  })
}
