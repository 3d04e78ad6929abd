import { CodedError } from '../../platform/errors.ts'

/** Selectors that AWS refuses: the API answers InvalidEventSelectorsException with the message. */
export class SelectorError extends CodedError<'invalid'> {
  constructor(message: string) {
    super('invalid', message)
  }
}
