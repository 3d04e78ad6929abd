/** One row of the generated constraint tables. */
interface Bounds {
  readonly min?: number
  readonly max?: number
}

export interface StructureShape {
  readonly type: 'structure'
  /** Shape names by member name. */
  readonly members: Readonly<Record<string, string>>
  readonly required?: readonly string[]
}

export interface ListShape extends Bounds {
  readonly type: 'list'
  readonly member: string
}

export interface MapShape extends Bounds {
  readonly type: 'map'
  readonly key: string
  readonly value: string
}

export interface StringShape extends Bounds {
  readonly type: 'string'
  readonly enum?: readonly string[]
  /** As in the model, for messages. */
  readonly pattern?: string
  /** The same as JavaScript reads it; it matches the whole value. */
  readonly match?: { readonly source: string; readonly flags: string }
}

export interface NumberShape extends Bounds {
  readonly type: 'integer' | 'long' | 'float' | 'double'
}

export interface PlainShape {
  readonly type: 'boolean' | 'timestamp' | 'blob'
}

export type Shape = StructureShape | ListShape | MapShape | StringShape | NumberShape | PlainShape
