/**
 * The catalogue as it is stored: a brotli'd text of lines. The first line is the index, every
 * further line is one service, parsed only when a call for it arrives. Keys are short because the
 * file is committed. Written by scripts/generate-catalogue.ts, read by catalogue.ts.
 */
import type { AwsProtocol } from '../call.ts'

/** Raised with every change that an older reader would misread. */
export const CATALOGUE_VERSION = 1

/** string, integer, decimal, boolean, timestamp, blob, document. */
export type ScalarLetter = 's' | 'i' | 'f' | 'b' | 't' | 'B' | 'd'

/** A scalar, or the index of a shape of the service. */
export type CompactRef = ScalarLetter | number

/** header, prefixed headers, query string, URI label, status code. */
export type LocationLetter = 'h' | 'H' | 'q' | 'u' | 'c'

export interface CompactTraits {
  /** Name on the wire where it is not the member's. */
  readonly n?: string
  readonly w?: LocationLetter
  /** Name in an EC2 query where it is not the rule's. */
  readonly q?: string
  readonly flat?: 1
  readonly sensitive?: 1
  /** An XML attribute. */
  readonly attr?: 1
}

export type CompactMember = CompactRef | readonly [CompactRef, CompactTraits]

/** A structure has `m`, a list `l`, a map `k` and `v`. */
export interface CompactShape {
  readonly m?: Readonly<Record<string, CompactMember>>
  /** Member that is the whole body. */
  readonly p?: string
  readonly l?: CompactMember
  readonly k?: CompactMember
  readonly v?: CompactMember
  readonly flat?: 1
  readonly sensitive?: 1
}

export interface CompactOperation {
  /** HTTP method and URI template: REST protocols only. */
  readonly m?: string
  readonly u?: string
  readonly i?: number
  /** Only where a record can show the answer: operations that change something, AssumeRole*. */
  readonly o?: number
  readonly ro?: 1
  /** May come without a signature. */
  readonly open?: 1
  readonly old?: 1
  /** Required members that travel as header or query: `h:x-amz-copy-source`, `q:uploadId`. */
  readonly req?: readonly string[]
}

export interface CompactService {
  readonly ops: Readonly<Record<string, CompactOperation>>
  readonly shapes: readonly CompactShape[]
  /** Error code on the wire → name of the exception, where they differ. */
  readonly errors?: Readonly<Record<string, string>>
}

export interface IndexEntry {
  readonly id: string
  readonly signingName: string
  readonly apiVersion: string
  readonly protocols: readonly AwsProtocol[]
  /** X-Amz-Target without the operation. */
  readonly target?: string
  /** Has REST operations that come without a signature. */
  readonly open?: true
}

export interface CatalogueIndex {
  readonly version: number
  readonly services: readonly IndexEntry[]
}
