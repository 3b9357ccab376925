import type { FederationError } from './errors.js'

/** What a decoder returns: it never throws on what a peer sent. */
export type Result<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: FederationError }

export const ok = <T>(value: T): Result<T> => ({ ok: true, value })
export const fail = <T>(error: FederationError): Result<T> => ({ ok: false, error })

/** The value, or the error thrown: for callers to whom a failure is a bug or the end of the command. */
export function unwrap<T>(result: Result<T>): T {
  if (!result.ok) throw result.error
  return result.value
}
