/**
 * The one shape of Clew's own errors: a closed set of codes per folder, the cause kept, and a hint
 * that tells the operator what to do. Faults that go to AWS clients are `contract/fault.ts`.
 */
export abstract class CodedError<Code extends string> extends Error {
  readonly code: Code
  /** What the operator should do next, one sentence. */
  readonly hint: string | undefined

  constructor(code: Code, message: string, options: { cause?: unknown; hint?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.hint = options.hint
    this.name = new.target.name
  }
}

/** The message of anything thrown. */
export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)

/** The `code` of a Node.js system error (`ENOENT`, `ENOSPC`), or undefined. */
export const systemCodeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined
