/** Why a request's signature was refused; `reason` is also the label of the metric. */
export type SignatureProblem =
  | { readonly reason: 'missing' }
  | { readonly reason: 'several' }
  | { readonly reason: 'unsupported'; readonly detail: string }
  | { readonly reason: 'malformed'; readonly place: 'header' | 'query'; readonly detail: string }
  | { readonly reason: 'no-date' }
  | {
      readonly reason: 'skewed'
      readonly at: number
      readonly now: number
      readonly skewMs: number
    }
  | { readonly reason: 'url-expired'; readonly at: number; readonly now: number }
  | { readonly reason: 'url-early'; readonly at: number; readonly now: number }
  | { readonly reason: 'unknown-key'; readonly accessKeyId: string }
  | { readonly reason: 'bad-token' }
  | { readonly reason: 'expired-token' }
  | { readonly reason: 'unsigned-header'; readonly name: string }
  | { readonly reason: 'bad-payload'; readonly detail: string }
  | { readonly reason: 'wrong-service'; readonly expected: string }
  | { readonly reason: 'mismatch' }

export type SignatureReason = SignatureProblem['reason']

/** The error that a family of services answers with; `details` are elements that S3 adds. */
export interface SignatureAnswer {
  readonly status: number
  readonly code: string
  readonly message: string
  readonly details?: Readonly<Record<string, string>>
}

/** One answer for every reason. */
export type SignatureAnswers = {
  readonly [Reason in SignatureReason]: (
    problem: Extract<SignatureProblem, { reason: Reason }>,
  ) => SignatureAnswer
}
