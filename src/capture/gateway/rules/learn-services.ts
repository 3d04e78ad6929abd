/** Services whose answers carry credentials (reference/capture.md §4), by signing name. */
const TEACHERS: ReadonlySet<string> = new Set(['awsssoportal', 'cognito-identity', 'iam', 'sts'])

export const teachesCredentials = (signingName: string): boolean => TEACHERS.has(signingName)
