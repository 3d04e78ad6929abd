import { COLON, isSpace } from './bytes.ts'

/** Log files have `Records`; `aws cloudtrail lookup-events` prints `Events`. */
const KEYS = ['"Records"', '"Events"'].map((key) => Buffer.from(key))

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    // That it is no JSON is the answer.
    return false
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
  return named && isJson(`${head.toString()}[]}`)
}

/** Does `tail`, from behind the list of records to the closing brace, end a document? */
export const isDocument = (tail: Buffer): boolean => isJson(`{"":[]${tail.toString()}`)
