import { timingSafeEqual } from 'node:crypto'

/** In constant time for texts of one length; the length of a signature or token is no secret. */
export const equalTexts = (left: string, right: string): boolean => {
  const [a, b] = [Buffer.from(left), Buffer.from(right)]
  return a.length === b.length && timingSafeEqual(a, b)
}
