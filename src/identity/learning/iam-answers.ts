import { parseArn } from '../../event/arn.ts'
import type { LearnedCredential, ReadAnswer } from '../learn.ts'
import { Secret } from '../secret.ts'

type Learn = (answer: ReadAnswer) => LearnedCredential[] | undefined

/** CreateUser and GetUser show the id and path that the records of the user's calls need. */
const user: Learn = ({ result, account }) => {
  const userName = result.text('User', 'UserName')
  const userId = result.text('User', 'UserId')
  const arn = parseArn(result.text('User', 'Arn') ?? '')
  if (userName === undefined || userId === undefined) return undefined
  const path = result.text('User', 'Path') ?? '/'
  return [{ kind: 'user', account: arn?.account ?? account, userName, path, userId }]
}

const createAccessKey: Learn = ({ result, account }) => {
  const userName = result.text('AccessKey', 'UserName')
  const accessKeyId = result.text('AccessKey', 'AccessKeyId')
  const secret = result.text('AccessKey', 'SecretAccessKey')
  if (userName === undefined || accessKeyId === undefined || secret === undefined) return undefined
  return [{ kind: 'access-key', account, userName, accessKeyId, secret: new Secret(secret) }]
}

const updateAccessKey: Learn = ({ parameters }) => {
  const accessKeyId = parameters.get('AccessKeyId')
  const status = parameters.get('Status')
  if (accessKeyId === null || status === null) return undefined
  return [{ kind: 'key-status', accessKeyId, active: status === 'Active' }]
}

const deleteAccessKey: Learn = ({ parameters }) => {
  const accessKeyId = parameters.get('AccessKeyId')
  return accessKeyId === null ? undefined : [{ kind: 'key-removed', accessKeyId }]
}

const OPERATIONS: Readonly<Record<string, Learn>> = {
  CreateUser: user,
  GetUser: user,
  CreateAccessKey: createAccessKey,
  UpdateAccessKey: updateAccessKey,
  DeleteAccessKey: deleteAccessKey,
}

/** `[]` for other operations; undefined where an answer lacks what its operation promises. */
export const learnFromIam: Learn = (answer) => {
  const learn = OPERATIONS[answer.operation]
  return learn === undefined ? [] : learn(answer)
}
