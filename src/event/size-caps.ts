/**
 * What a record may weigh (awscloudtrail/latest/userguide/
 * cloudtrail-event-reference-record-contents.html; reference/formats.md §1.2).
 */

const KIB = 1024

/** requestParameters, responseElements, serviceEventDetails: replaced by a marker above it. */
export const CONTENT_BYTES_MAX = 100 * KIB
/** additionalEventData, edgeDeviceDetails. */
export const ADDITIONAL_BYTES_MAX = 28 * KIB
/** userAgent, errorCode, errorMessage, requestID and every other single text: cut above it. */
export const TEXT_BYTES_MAX = KIB
/** A whole record, since event version 1.05. */
export const RECORD_BYTES_MAX = 256 * KIB

/**
 * What stands where a field was too large. The shape is the one that replicators of real log files
 * carry in their fixtures; AWS does not document it (reference/formats.md §1.2, Omission marker).
 */
export const omissionMarker = (field: string, originalBytes: number): string =>
  JSON.stringify({
    reason: `${field} too large`,
    omitted: 'true',
    originalSize: String(originalBytes),
  })

/** Cuts at `bytesMax` bytes of UTF-8 without breaking a character. */
export const cutText = (text: string, bytesMax = TEXT_BYTES_MAX): string => {
  // A UTF-16 unit is at most three bytes of UTF-8.
  if (text.length * 3 <= bytesMax || Buffer.byteLength(text) <= bytesMax) return text
  const bytes = Buffer.from(text.slice(0, bytesMax))
  let end = Math.min(bytesMax, bytes.length)
  // 10xxxxxx continues a character: step back to where one begins.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--
  return bytes.toString('utf8', 0, end)
}
