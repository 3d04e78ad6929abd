/** How the content of records looks per service (reference/capture.md §1.4). */

/** Member names stay as the model has them. */
const PASCAL_CASE = new Set([
  ...['ce', 'account', 'devops-guru', 'resource-explorer-2', 'securityhub'],
])

/** Secrets Manager alone writes `arn` for `ARN`; everywhere else it becomes `aRN`. */
const WHOLE_ARN = new Set(['secretsmanager'])

const lowerFirst = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1)

/** The spelling of member names in the records of a signing name. Keys of maps are left alone. */
export const casingOf = (signingName: string): ((name: string) => string) => {
  if (PASCAL_CASE.has(signingName)) return (name) => name
  if (WHOLE_ARN.has(signingName)) return (name) => (name === 'ARN' ? 'arn' : lowerFirst(name))
  return lowerFirst
}

/** `Jul 10, 2023, 12:09:47 PM`: JDK 9 and later put a second comma. */
type DateStyle = 'java' | 'java8' | 'iso' | 'seconds' | 'milliseconds'

const DATE_STYLES: Readonly<Record<string, DateStyle>> = {
  iam: 'java8',
  codecommit: 'java8',
  states: 'java8',
  dynamodb: 'java8',
  redshift: 'java8',
  bedrock: 'iso',
  rolesanywhere: 'iso',
  mediaconvert: 'seconds',
  ec2: 'milliseconds',
}

const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')
const two = (value: number): string => String(value).padStart(2, '0')

const javaDate = (at: Date, comma: string): string => {
  const hours = at.getUTCHours()
  const time = `${hours % 12 === 0 ? 12 : hours % 12}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}`
  const day = `${MONTHS[at.getUTCMonth()]} ${at.getUTCDate()}, ${at.getUTCFullYear()}`
  return `${day}${comma} ${time} ${hours < 12 ? 'AM' : 'PM'}`
}

/** Writes a time (epoch milliseconds) as the records of a signing name do. */
export const datesOf = (signingName: string): ((ms: number) => string | number) => {
  const style = DATE_STYLES[signingName] ?? 'java'
  return (ms) => {
    const at = new Date(ms)
    switch (style) {
      case 'java':
        return javaDate(at, ',')
      case 'java8':
        return javaDate(at, '')
      case 'iso':
        return at.toISOString()
      case 'seconds':
        return Math.floor(ms / 1000)
      case 'milliseconds':
        return ms
    }
  }
}

/** The one wrapping member of an answer is dropped: its fields are the responseElements. */
const HOISTED = new Set(['rds', 'redshift'])
export const hoistsAnswer = (serviceId: string): boolean => HOISTED.has(serviceId)

/** Reads whose records show the answer all the same (reference/formats.md §1.6). */
const SHOWN_READS = new Set(['AssumeRole', 'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity'])
/** Their data events show no answer: it would hold items, or a function's result. */
const SILENT_DATA = new Set(['dynamodb', 'lambda'])

export const showsAnswer = (
  serviceId: string,
  { name, readOnly }: { readonly name: string; readonly readOnly: boolean },
  category: 'Management' | 'Data',
): boolean => {
  if (category === 'Data' && SILENT_DATA.has(serviceId)) return false
  return !readOnly || (serviceId === 'sts' && SHOWN_READS.has(name))
}

/** STS records nothing of a denied call's parameters (17 of 17 real records). */
export const hidesDeniedParameters = (serviceId: string | undefined): boolean => serviceId === 'sts'
