import type { HttpAnswer } from '#protocol/http-api.js'
import type { Role } from '#protocol/roles.js'

export type User = HttpAnswer<'GET /api/users'>['users'][number]

/** What each role may do, for who gives it. */
export const ROLE_WORDS: Readonly<Record<Role, string>> = {
  viewer: 'Sees runs, nodes and audits',
  researcher: 'Also starts, stops and exports runs',
  administrator: 'Also admits nodes and people, overrides audits, and sees operations',
}

/** invited: has a code, and no password yet. */
export type UserState = 'active' | 'invited' | 'revoked'
export const USER_STATES: readonly UserState[] = ['active', 'invited', 'revoked']
export const userStateOf = ({ revokedAt, hasPassword }: User): UserState =>
  revokedAt !== null ? 'revoked' : hasPassword ? 'active' : 'invited'

/** Opens the sign-in page with the code, which is never sent with the address. */
export const signInLink = (origin: string, code: string): string => `${origin}/#code=${code}`
