/** The parts of an AWS service model that the catalogue needs, wider than the contract's. */
import { readModel } from '../contract/model.ts'

export interface MemberModel {
  readonly shape: string
  readonly location?: 'header' | 'headers' | 'querystring' | 'uri' | 'statusCode'
  readonly locationName?: string
  readonly queryName?: string
  readonly flattened?: boolean
  readonly xmlAttribute?: boolean
}

export interface ShapeModel {
  readonly type: string
  readonly required?: readonly string[]
  readonly members?: Readonly<Record<string, MemberModel>>
  readonly member?: MemberModel
  readonly key?: MemberModel
  readonly value?: MemberModel
  readonly payload?: string
  readonly sensitive?: boolean
  readonly flattened?: boolean
  readonly document?: boolean
  readonly error?: { readonly code?: string }
}

export interface OperationModel {
  readonly name: string
  readonly http: { readonly method: string; readonly requestUri: string }
  readonly input?: { readonly shape: string }
  readonly output?: { readonly shape: string }
  readonly authtype?: string
  readonly auth?: readonly string[]
  readonly deprecated?: boolean
}

export interface ServiceModel {
  readonly metadata: {
    readonly apiVersion: string
    readonly endpointPrefix: string
    readonly signingName?: string
    readonly protocol: string
    readonly protocols?: readonly string[]
    readonly targetPrefix?: string
  }
  readonly operations: Readonly<Record<string, OperationModel>>
  readonly shapes: Readonly<Record<string, ShapeModel>>
}

/** Undefined where the folder has no such model. */
export const readService = (folder: string, name: string): ServiceModel | undefined =>
  readModel(folder, name) as ServiceModel | undefined

export const signingNameOf = ({ metadata }: ServiceModel): string =>
  metadata.signingName ?? metadata.endpointPrefix
