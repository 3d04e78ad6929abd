import { describe } from '../../../outlets/file-system/stored-object.ts'
import { emptyAnswer, xmlAnswer } from '../answer.ts'
import { readSmall, SMALL_BODY_BYTES_MAX } from '../body.ts'
import type { BucketHandler } from '../request.ts'
import { mapStoreErrors } from '../store-errors.ts'
import { OBJECT_TAGS_MAX, parseTagging, tagSetXml } from '../tags.ts'
import { checkSmallBody } from './checksums.ts'

export const getObjectTagging: BucketHandler = async (request, { store }) => {
  const object = await mapStoreErrors(request, () =>
    store.objects.require(request.bucket, request.key),
  )
  return xmlAnswer('Tagging', tagSetXml(object.tags))
}

export const putObjectTagging: BucketHandler = async (request, { store }) => {
  const body = await readSmall(request.call.body, SMALL_BODY_BYTES_MAX)
  await checkSmallBody(request, body)
  const tags = parseTagging(body, OBJECT_TAGS_MAX)
  await mapStoreErrors(request, () =>
    store.objects.change(request.bucket, request.key, (object) => ({ ...describe(object), tags })),
  )
  return emptyAnswer(200)
}

export const deleteObjectTagging: BucketHandler = async (request, { store }) => {
  await mapStoreErrors(request, () =>
    store.objects.change(request.bucket, request.key, (object) => ({
      ...describe(object),
      tags: [],
    })),
  )
  return emptyAnswer(204)
}
