import { z } from 'zod'
import { FederationError } from '#protocol/errors.js'

/** A day in the calendar, as reports hold it, that has not begun at `now` (ms). Throws `usage/bad-value`. */
export function dayToCome(text: string, now: number): string {
  if (z.iso.date().safeParse(text).success && Date.parse(text) > now) return text
  throw new FederationError(
    'usage/bad-value',
    `Expected a day to come as YYYY-MM-DD, got '${text}'`,
  )
}
