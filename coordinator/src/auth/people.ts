import type { Store, UserRow } from '#coordinator/store/store.js'

/** The person whom the first sign-in code of a data directory lets in. */
export const ADMINISTRATOR = 'administrator'

/** What tokens of a person carry: they are void when it has changed. */
export const versionOf = ({ tokenVersion }: Pick<UserRow, 'tokenVersion'>): string =>
  `v${tokenVersion}`

/** Makes the first administrator, unless there was ever one. */
export async function ensureAdministrator(store: Store, now: string): Promise<void> {
  await store.addUser({
    ...{ name: ADMINISTRATOR, role: 'administrator', passwordHash: null, tokenVersion: 1 },
    ...{ createdAt: now, revokedAt: null },
  })
}
