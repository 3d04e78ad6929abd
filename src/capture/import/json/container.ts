import { COLON, isSpace } from '../../../event/json-bytes.ts'

/** Log files have `Records`; `aws cloudtrail lookup-events` prints `Events`. */
const NAMES = ['Records', 'Events']
const KEYS = NAMES.map((name) => Buffer.from(`"${name}"`))

/** Undefined where `text` is no JSON object. */
const parsed = (text: string): object | undefined => {
  try {
    return JSON.parse(text) as object
  } catch {
    // That it is no JSON is the answer.
    return undefined
  }
}

/**
 * Is an array behind `head` the list of records? `head` is a document up to the array's bracket; it
 * must be JSON, so that its last member's name is what it looks like.
 */
export const containerAt = (head: Buffer): boolean => {
  let end = head.length
  while (isSpace(head[end - 1])) end--
  if (head[end - 1] !== COLON) return false
  end--
  while (isSpace(head[end - 1])) end--
  const named = KEYS.some(
    (key) => end > key.length && head.subarray(end - key.length, end).equals(key),
  )
  return named && parsed(`${head.toString()}[]}`) !== undefined
}

/** `second-list`: a document, but its records are not all in the list that was read. */
export type TailKind = 'whole' | 'second-list' | 'damaged'

/** What is `tail`, from behind the list of records to the document's closing brace? */
export const tailKind = (tail: Buffer): TailKind => {
  const members = parsed(`{"":[]${tail.toString()}`)
  if (members === undefined) return 'damaged'
  return NAMES.some((name) => Object.hasOwn(members, name)) ? 'second-list' : 'whole'
}
