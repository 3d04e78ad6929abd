/** `identities.yaml`: what it may say, and errors that name file, line and key. */
import type { Node } from 'yaml'
import { z } from 'zod'
import { CodedError } from '../../platform/errors.ts'
import { loadLater } from '../../platform/load-later.ts'
import {
  ACCESS_KEY_ID,
  ACCOUNT_ALIAS,
  ACCOUNT_ID,
  PRINCIPAL_NAME,
  PRINCIPAL_PATH,
  SECRET_ACCESS_KEY,
  UNIQUE_ID,
} from '../names.ts'
import { MAX_SESSION_DURATION } from '../store/principals.ts'

export class IdentitiesFileError extends CodedError<'unreadable' | 'invalid'> {}

const matching = (pattern: RegExp, what: string) => z.string().regex(pattern, `is no ${what}`)

const accessKey = z
  .strictObject({
    id: matching(ACCESS_KEY_ID, 'access key id'),
    secret: matching(SECRET_ACCESS_KEY, 'secret access key').optional(),
    secretFile: z.string().min(1).optional(),
  })
  .refine(
    ({ secret, secretFile }) => (secret === undefined) !== (secretFile === undefined),
    'needs either secret or secretFile',
  )

const principal = {
  name: matching(PRINCIPAL_NAME, 'user or role name'),
  path: matching(PRINCIPAL_PATH, 'path (it begins and ends with /)').optional(),
  id: matching(UNIQUE_ID, 'unique id').optional(),
}

const role = z.strictObject({
  ...principal,
  /** JSON text, or the same as YAML. */
  trustPolicy: z.union([z.string(), z.record(z.string(), z.unknown())]),
  maxSessionDuration: z
    .int()
    .min(MAX_SESSION_DURATION.min)
    .max(MAX_SESSION_DURATION.max)
    .optional(),
})

const account = z.strictObject({
  // Unquoted ids are YAML numbers, and one that begins with 0 has lost its zeros by then.
  id: matching(ACCOUNT_ID, 'account id (12 digits in quotes)'),
  alias: matching(ACCOUNT_ALIAS, 'account alias').optional(),
  users: z
    .array(z.strictObject({ ...principal, accessKeys: z.array(accessKey).default([]) }))
    .default([]),
  roles: z.array(role).default([]),
  rootAccessKeys: z.array(accessKey).default([]),
})

const identitiesFile = z.strictObject({ accounts: z.array(account).default([]) })

export type IdentitiesFile = z.output<typeof identitiesFile>
export type FileAccessKey = z.output<typeof accessKey>

type Path = readonly PropertyKey[]

const keyOf = (path: Path): string =>
  path.reduce<string>(
    (text, part) =>
      typeof part === 'number'
        ? `${text}[${part}]`
        : `${text}${text === '' ? '' : '.'}${String(part)}`,
    '',
  )

const yaml = loadLater<typeof import('yaml')>('yaml')

/** Says where in the file a key is, as `identities.yaml:12:5: accounts[0].id`. */
export type Locate = (path: Path) => string

const locator = (name: string, text: string): { locate: Locate; value: unknown } => {
  const { isMap, LineCounter, parseDocument } = yaml()
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset)
    return `${name}:${line}:${col}`
  }
  const [error] = document.errors
  if (error !== undefined) {
    throw new IdentitiesFileError('invalid', `${place(error.pos[0])}: ${error.message}`)
  }
  const offsetOf = (path: Path): number => {
    const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true)
    if (isMap(parent)) {
      const pair = parent.items.find((item) => String(item.key) === String(path.at(-1)))
      const start = (pair?.key as Node | undefined)?.range?.[0]
      if (start !== undefined) return start
    }
    const node = document.getIn(path, true) as Node | undefined
    const start = node?.range?.[0]
    if (start !== undefined) return start
    return path.length === 0 ? 0 : offsetOf(path.slice(0, -1))
  }
  // 100 aliases at most, the library's own bound, so that a file cannot unfold without end.
  const value: unknown = document.toJS({ maxAliasCount: 100 })
  return { locate: (path) => `${place(offsetOf(path))}: ${keyOf(path)}`, value }
}

/** Throws IdentitiesFileError for the first thing that is wrong; no message holds a secret. */
export const parseIdentities = (
  name: string,
  text: string,
): { file: IdentitiesFile; locate: Locate } => {
  const { locate, value } = locator(name, text)
  const result = identitiesFile.safeParse(value ?? {})
  if (result.success) return { file: result.data, locate }
  const [issue] = result.error.issues
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined
  if (unknown !== undefined) {
    const path = [...(issue?.path ?? []), unknown]
    throw new IdentitiesFileError('invalid', `${locate(path)}: there is no such key`, {
      hint: 'docs/identities.md shows every key.',
    })
  }
  throw new IdentitiesFileError('invalid', `${locate(issue?.path ?? [])}: ${issue?.message ?? ''}`)
}
