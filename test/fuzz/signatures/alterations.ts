/** Every way to alter one thing that a signature covers, so that what is meant is another thing. */
import type { SignedHead } from '../../../src/capture/signature/canonical-request.ts'

export interface Altered {
  readonly what: string
  readonly head: SignedHead
  readonly body: string
}

const other = (char: string): string => (char === 'x' ? 'y' : 'x')
const replaced = (text: string, at: number, char: string): string =>
  text.slice(0, at) + char + text.slice(at + 1)
const flipped = (text: string, at: number): string => replaced(text, at, other(text.charAt(at)))

const withHeader = (head: SignedHead, name: string, value: string | undefined): SignedHead => {
  const { [name]: _, ...rest } = head.headers
  const raw = head.rawHeaders ?? []
  const lines = raw.flatMap((text, index) =>
    index % 2 === 1 && raw[index - 1]?.toLowerCase() !== name ? [raw[index - 1] ?? '', text] : [],
  )
  return value === undefined
    ? { ...head, headers: rest, rawHeaders: lines }
    : { ...head, headers: { ...rest, [name]: value }, rawHeaders: [...lines, name, value] }
}

/** What services other than S3 take a path for: empty and dot segments lead nowhere. */
const resolved = (path: string): string => {
  const kept: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') kept.pop()
    else if (part !== '' && part !== '.') kept.push(part)
  }
  return `${kept.join('/')}${path.endsWith('/') && kept.length > 0 ? '/' : ''}`
}

const pathsOf = (head: SignedHead, s3: boolean): Altered[] => {
  const { rawPath } = head
  const one = (what: string, path: string): Altered => ({
    what: `path ${what}`,
    head: { ...head, rawPath: path },
    body: '',
  })
  return [
    ...Array.from({ length: rawPath.length - 1 }, (_, at) => one('byte', flipped(rawPath, at + 1))),
    one('longer', `${rawPath}x`),
    one('deeper', `${rawPath}/x`),
    one('shorter', rawPath.length > 1 ? '/' : '/x'),
  ].filter((altered) => s3 || resolved(altered.head.rawPath) !== resolved(rawPath))
}

const queriesOf = (head: SignedHead): Altered[] => {
  const pairs = head.rawQuery === '' ? [] : head.rawQuery.split('&')
  const one = (what: string, changed: readonly string[]): Altered => ({
    what: `query ${what}`,
    head: { ...head, rawQuery: changed.join('&') },
    body: '',
  })
  return [
    one('with another pair', [...pairs, 'zz=1']),
    one('with a sub-resource', [...pairs, 'acl']),
    ...pairs.flatMap((pair, index) => [
      one(`without ${pair}`, pairs.toSpliced(index, 1)),
      one(`twice ${pair}`, [...pairs, pair]),
      one(`longer ${pair}`, pairs.with(index, `${pair}x`)),
      ...Array.from({ length: pair.length }, (_, at) =>
        one(`byte of ${pair}`, pairs.with(index, flipped(pair, at))),
      ).filter(({ head: { rawQuery } }) => rawQuery !== head.rawQuery),
    ]),
  ]
}

const isSigned = (head: SignedHead, name: string): boolean =>
  new RegExp(`(?:SignedHeaders=|;|%3B|%3b)${name}(?=;|,|%3B|%3b|&|$)`).test(
    `${head.headers.authorization ?? ''}&${head.rawQuery}`,
  )

const headersOf = (head: SignedHead): Altered[] =>
  Object.entries(head.headers).flatMap(([name, value]) => {
    if (name === 'authorization' || !isSigned(head, name)) return []
    const one = (what: string, changed: string | undefined): Altered => ({
      what: `header ${name} ${what}`,
      head: withHeader(head, name, changed),
      body: '',
    })
    return [
      one('gone', undefined),
      one('longer', `${value}x`),
      // A byte that is no blank: runs of those count as one.
      ...Array.from({ length: value.length }, (_, at) => at)
        .filter((at) => !/[ \t]/.test(value.charAt(at)))
        .map((at) => one(`byte ${at}`, flipped(value, at))),
    ]
  })

const authorizationOf = (head: SignedHead): Altered[] => {
  const value = head.headers.authorization
  if (value === undefined) return []
  return Array.from({ length: value.length }, (_, at) => at)
    .filter((at) => !/[ ,]/.test(value.charAt(at)))
    .map((at) => ({
      what: `authorization byte ${at}`,
      head: withHeader(head, 'authorization', flipped(value, at)),
      body: '',
    }))
}

/** `body`: what was signed; the other bodies are only there where the signature covers one. */
export const alterationsOf = (
  head: SignedHead,
  body: string,
  { coversBody, s3 }: { readonly coversBody: boolean; readonly s3: boolean },
): Altered[] => {
  const bodies = coversBody
    ? [`${body}x`, ...(body === '' ? [] : [flipped(body, 0), body.slice(1)])]
    : []
  return [
    ...pathsOf(head, s3),
    ...queriesOf(head),
    ...headersOf(head),
    ...authorizationOf(head),
    { what: 'method', head: { ...head, method: head.method === 'GET' ? 'PUT' : 'GET' }, body: '' },
    { what: 'another x-amz header', head: withHeader(head, 'x-amz-acl', 'public-read'), body: '' },
  ]
    .map((altered) => ({ ...altered, body }))
    .concat(bodies.map((changed) => ({ what: 'body', head, body: changed })))
}
