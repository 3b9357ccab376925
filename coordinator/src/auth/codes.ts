import { randomInt } from 'node:crypto'
import { FederationError } from '#protocol/errors.js'
import { sha256, type Hash } from '#protocol/ids.js'
import type { CodeRow, Store, UseCodeOutcome } from '#coordinator/store/store.js'

/** Crockford's letters: no I, L, O or U, so that a code survives being read aloud and typed. */
const LETTERS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
/** 12 letters of 32: 60 bits, more than anyone can try through the limits on the routes. */
const LENGTH = 12
const GROUP = 4

export interface IssuedCode {
  readonly code: string
  /** ISO 8601. */
  readonly expiresAt: string
}

/** Makes a one-time code, for example `7HQ2-9XKM-0D4V`. Only its hash is stored. */
export async function issueCode(
  store: Store,
  purpose: CodeRow['purpose'],
  {
    now,
    minutes,
    subject = null,
  }: {
    readonly now: string
    readonly minutes: number
    /** Whom it lets in, for a sign-in. */
    readonly subject?: string | null
  },
): Promise<IssuedCode> {
  const letters = Array.from({ length: LENGTH }, () => LETTERS.charAt(randomInt(LETTERS.length)))
  const code = letters.join('').replaceAll(new RegExp(`.{${GROUP}}(?=.)`, 'g'), '$&-')
  const expiresAt = new Date(Date.parse(now) + minutes * 60_000).toISOString()
  await store.addCode({ codeHash: hashOf(code), purpose, subject, expiresAt, usedAt: null })
  return { code, expiresAt }
}

/** Uses a code up. Throws `auth/expired-code`, or `auth/bad-code` for one that is unknown or was used before. */
export async function redeemCode(
  store: Store,
  purpose: CodeRow['purpose'],
  { code, now }: { readonly code: string; readonly now: string },
): Promise<{ readonly subject: string | null }> {
  const outcome = await presentCode(store, purpose, { code, now })
  if (outcome.status === 'used-now') return { subject: outcome.subject }
  throw refusalOf(outcome.status)
}

/** Uses a code up if it can be, and says what came of it. */
export const presentCode = (
  store: Store,
  purpose: CodeRow['purpose'],
  { code, now }: { readonly code: string; readonly now: string },
): Promise<UseCodeOutcome> => store.useCode(hashOf(code), purpose, now)

export const refusalOf = (
  status: Exclude<UseCodeOutcome['status'], 'used-now'>,
): FederationError =>
  status === 'expired'
    ? new FederationError('auth/expired-code', 'The code has expired')
    : new FederationError('auth/bad-code', 'The code is wrong or was used before')

/** Letters that people mix up count as the one that exists; case, spaces and dashes do not count. */
function hashOf(code: string): Hash {
  const plain = code
    .toUpperCase()
    .replaceAll(/[\s-]/g, '')
    .replaceAll('O', '0')
    .replaceAll(/[IL]/g, '1')
  return sha256(`tributary/code/1|${plain}`)
}
