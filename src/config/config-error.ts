import { CodedError } from '../platform/errors.ts'

/** What is wrong with a setting, where it was given and what to do. */
export class ConfigError extends CodedError<'bad-setting' | 'unknown-setting' | 'bad-file'> {}
