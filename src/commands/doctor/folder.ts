/** The data folder: who may read it, where it lies, and whether its master key is the right one. */
import { existsSync, readFileSync, type Stats, statSync } from 'node:fs'
import { access, constants } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { DocumentsError } from '../../documents/documents.ts'
import { readStoredDocuments } from '../../documents/stored-documents.ts'
import { KEYS_PREFIX, type KeyDocument } from '../../identity/store/records.ts'
import { openFor } from '../../identity/store/secrets.ts'
import { CodedError, messageOf } from '../../platform/errors.ts'
import { FORMAT_VERSION, pathsOf, readMasterKey } from '../../supervisor/data-folder.ts'
import { type DoctorContext, type Finding, fail, ok, skip, warn } from './finding.ts'
import { nearestExisting } from './machine/probe-folder.ts'

const OTHERS = 0o007
const GROUP_AND_OTHERS = 0o077

/** Whom the permissions are for, without needing root to test: `process.getuid()`. */
export type Uid = number | undefined

const octal = (mode: number): string => (mode & 0o777).toString(8).padStart(4, '0')

const judgeOwner = (path: string, { uid }: Stats, me: Uid): Finding[] =>
  me === undefined || uid === me
    ? []
    : [
        warn(
          `${path} belongs to user ${uid}, not to the one who runs this (${me})`,
          `run Clew and its commands as one user, or: chown -R ${me} ${path}`,
        ),
      ]

const judgeFolder = (data: string, me: Uid): Finding[] => {
  const facts = statSync(data)
  const owner = judgeOwner(data, facts, me)
  const todo = `chmod 700 ${data}`
  if ((facts.mode & OTHERS) !== 0) {
    return [...owner, fail(`${data} is open to everybody (mode ${octal(facts.mode)})`, todo)]
  }
  if ((facts.mode & GROUP_AND_OTHERS) !== 0) {
    return [...owner, warn(`${data} is open to its group (mode ${octal(facts.mode)})`, todo)]
  }
  return [...owner, ok(`${data} is its owner's alone`)]
}

/** What to do when somebody may have read a secret. */
const renewalOf = (file: string): string => {
  switch (basename(file)) {
    case 'admin.token':
      return 'if somebody may have read it, remove it and restart the server: it makes another'
    case 'profile.env':
      return 'if somebody may have read it, make another root key (`clew keys create-key --root`) and delete this one'
    default:
      return 'whoever read it can open a copy of this folder, and it cannot be changed: then go on with a new data folder'
  }
}

const judgeSecrets = (data: string, me: Uid): Finding[] => {
  const { masterKey, adminToken, profile } = pathsOf(data)
  const present = [masterKey, adminToken, profile].filter((file) => existsSync(file))
  const wrong = present.flatMap((file) => {
    const facts = statSync(file)
    const open = (facts.mode & GROUP_AND_OTHERS) !== 0
    const todo = `chmod 600 ${file}; ${renewalOf(file)}`
    return [
      ...judgeOwner(file, facts, me),
      ...(open ? [fail(`${file} can be read by others (mode ${octal(facts.mode)})`, todo)] : []),
    ]
  })
  if (wrong.length > 0) return wrong
  return present.length === 0 ? [] : [ok('master.key, admin.token and profile.env are private')]
}

/** Folders that programs copy to other machines, by a name in the path or a marker file in it. */
const SYNCED_NAME =
  /^(Dropbox|OneDrive|Google Drive|GoogleDrive|iCloud Drive|Nextcloud|ownCloud)\b/i
const SYNCED_MARKERS = ['.dropbox', '.stfolder', '.sync_journal.db', '.owncloudsync.log']

const judgePlace = (data: string): Finding[] => {
  for (let folder = data; dirname(folder) !== folder; folder = dirname(folder)) {
    const name = folder.slice(dirname(folder).length).replace(/^[/\\]/, '')
    const marker = SYNCED_MARKERS.find((file) => existsSync(join(folder, file)))
    if (SYNCED_NAME.test(name) || marker !== undefined) {
      return [
        fail(
          `${folder} is copied to other machines${marker === undefined ? '' : ` (${marker})`}: the keys would go with it, and a copy in between is damaged`,
          'put the data folder elsewhere with --data',
        ),
      ]
    }
  }
  return []
}

const judgeFormat = (data: string): Finding => {
  const file = pathsOf(data).format
  const todo = 'use the release that wrote the folder, or restore format.json from a backup'
  try {
    const version: unknown = JSON.parse(readFileSync(file, 'utf8')).clew
    return typeof version === 'number' && version <= FORMAT_VERSION
      ? ok(`format ${version}`)
      : fail(`${file} says format ${String(version)}; this release reads ${FORMAT_VERSION}`, todo)
  } catch (error) {
    return fail(`${file}: ${messageOf(error)}`, todo)
  }
}

/** Opens one sealed document: nothing else proves that the key belongs to the folder. */
const judgeMasterKey = ({ config }: DoctorContext): Finding => {
  const todo = 'restore the key that the folder was made with from your backup'
  const from = config.masterKeyCommand === undefined ? 'master.key' : 'masterKeyCommand'
  try {
    const master = readMasterKey(config)
    const { documents } = pathsOf(config.data)
    const [key] = existsSync(documents)
      ? readStoredDocuments<KeyDocument>(documents, KEYS_PREFIX)
      : []
    if (key === undefined) return ok(`${from} is a key; nothing is sealed under it yet`)
    openFor(master, key.key.slice(KEYS_PREFIX.length), 'secret', key.value.secret).fill(0)
    return ok(`${from} opens what is sealed in this folder`)
  } catch (error) {
    const hint = error instanceof CodedError ? (error.hint ?? todo) : todo
    if (error instanceof DocumentsError) return fail(error.message, hint)
    return fail(`${from}: ${messageOf(error)}`, hint)
  }
}

const judgeAbsent = async (data: string): Promise<Finding[]> => {
  const near = nearestExisting(data)
  try {
    await access(near, constants.W_OK | constants.X_OK)
    return [skip(`${data} is not there yet: the first \`serve\` makes it, with a new master key`)]
  } catch {
    const todo = 'name a folder that this user can write with --data'
    return [fail(`${data} is not there, and ${near} cannot be written`, todo)]
  }
}

/** `me`: whose the files should be. */
export const checkFolder = async (context: DoctorContext, me: Uid): Promise<Finding[]> => {
  const { data } = context.config
  if (!existsSync(data)) return [...judgePlace(data), ...(await judgeAbsent(data))]
  if (!statSync(data).isDirectory()) {
    return [fail(`${data} is no folder`, 'name another one with --data')]
  }
  const findings = [...judgeFolder(data, me), ...judgePlace(data), ...judgeSecrets(data, me)]
  if (!existsSync(pathsOf(data).format)) {
    return [...findings, skip('master key: no server has used the folder yet')]
  }
  return [...findings, judgeFormat(data), judgeMasterKey(context)]
}
