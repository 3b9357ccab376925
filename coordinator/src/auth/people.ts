import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { FederationError } from '#protocol/errors.js'
import { sha256 } from '#protocol/ids.js'
import type { Role } from '#protocol/roles.js'
import type { Store, UserRow } from '#coordinator/store/store.js'
import { issueCode, redeemCode, type IssuedCode } from './codes.js'
import { assertStrong, hashPassword, isPassword } from './passwords.js'

/** The person whom the first sign-in code of a data directory lets in. */
export const ADMINISTRATOR = 'administrator'
/** Who reads the data directory, and what the log calls others: nobody's names. */
const RESERVED = ['operator', 'coordinator', 'anyone', 'node', 'user']
const CODE_MINUTES = 24 * 60
/** Tries with one name in a quarter of an hour, from wherever; names share 65 536 counters, so that guessing names fills no memory. */
const TRIES = { points: 10, duration: 15 * 60 }

/** What tokens of a person carry: they are void when it has changed. */
export const versionOf = ({ tokenVersion }: Pick<UserRow, 'tokenVersion'>): string =>
  `v${tokenVersion}`

/** The people who may sign in. Each act is one method; `now` is ISO 8601. */
export class People {
  readonly #store: Store
  readonly #tries = new RateLimiterMemory(TRIES)

  constructor(store: Store) {
    this.#store = store
  }

  /** The first administrator, unless there was ever one; whether there is now. */
  async ensureAdministrator(now: string): Promise<boolean> {
    return this.#store.addUser(newUser({ name: ADMINISTRATOR, role: 'administrator' }, now))
  }

  /** A code for the first administrator, who keeps the password that there may be; null when they may not come in any more. */
  async firstCode(now: string): Promise<string | null> {
    const user = await this.#store.user(ADMINISTRATOR)
    if (user === null || user.revokedAt !== null) return null
    return (await this.#codeFor(user, now)).code
  }

  all(): Promise<readonly UserRow[]> {
    return this.#store.users()
  }

  /** A new person, and the code with which they choose a password. Throws `user/exists`. */
  async add(
    person: { readonly name: string; readonly role: Role },
    now: string,
  ): Promise<IssuedCode> {
    const user = newUser(person, now)
    if (isReserved(person.name) || !(await this.#store.addUser(user)))
      throw new FederationError('user/exists', `The name ${person.name} is taken`)
    return this.#codeFor(user, now)
  }

  /**
   * A code with which a person chooses a new password. The one before is void, and so are codes and tokens that were given
   * out before. Throws `user/not-found`.
   */
  async giveCode(name: string, now: string): Promise<IssuedCode> {
    return this.#codeFor(await this.#change(name, () => ({ passwordHash: null })), now)
  }

  /** Ends what came with the role before, codes too. Throws `user/not-found`. */
  async changeRole(name: string, role: Role): Promise<UserRow> {
    return this.#change(name, () => ({ role }))
  }

  /** For good: the name stays taken. Throws `user/not-found`. */
  async revoke(name: string, now: string): Promise<UserRow> {
    return this.#change(name, () => ({ revokedAt: now, passwordHash: null }))
  }

  /** Throws `auth/bad-code`, `auth/expired-code`, `auth/weak-password`; the last before the code is used up. */
  async signInByCode({
    code,
    password,
    now,
  }: {
    readonly code: string
    /** The one that the person chooses; without it, they come in this once. */
    readonly password: string | null
    readonly now: string
  }): Promise<UserRow> {
    if (password !== null) assertStrong(password)
    const { subject } = await redeemCode(this.#store, 'sign-in', { code, now })
    // Codes of older versions name nobody: they were all for the administrator.
    const [name = ADMINISTRATOR, version] = subject?.split('#') ?? []
    const user = await this.#store.user(name)
    const isVoid = user === null || user.revokedAt !== null
    if (isVoid || (version !== undefined && version !== versionOf(user)))
      throw new FederationError('auth/bad-code', 'The code is wrong or was used before')
    if (password === null) return user
    const passwordHash = await hashPassword(password)
    return this.#change(name, () => ({ passwordHash }))
  }

  /** Throws `auth/bad-password` alike for an unknown name, a wrong password and a person who was revoked; `auth/too-many-tries`. */
  async signInByPassword(name: string, password: string): Promise<UserRow> {
    const user = await this.#store.user(name)
    const isActive = user !== null && user.revokedAt === null
    await this.#takeTry(name)
    if (!(await isPassword(password, isActive ? user.passwordHash : null)) || user === null)
      throw new FederationError('auth/bad-password', 'The name or the password is wrong')
    await this.#tries.delete(counterOf(name))
    return user
  }

  /** Throws `auth/bad-password`, `auth/weak-password`. Ends what came in before. */
  async changePassword(
    name: string,
    { password, newPassword }: { readonly password: string; readonly newPassword: string },
  ): Promise<UserRow> {
    assertStrong(newPassword)
    await this.signInByPassword(name, password)
    const passwordHash = await hashPassword(newPassword)
    return this.#change(name, () => ({ passwordHash }))
  }

  async #takeTry(name: string): Promise<void> {
    try {
      await this.#tries.consume(counterOf(name))
    } catch (cause) {
      if (!(cause instanceof RateLimiterRes)) throw cause
      const minutes = Math.ceil(cause.msBeforeNext / 60_000)
      const message = `Too many tries with this name; wait ${minutes} minutes`
      throw new FederationError('auth/too-many-tries', message)
    }
  }

  #codeFor(user: UserRow, now: string): Promise<IssuedCode> {
    const subject = `${user.name}#${versionOf(user)}`
    return issueCode(this.#store, 'sign-in', { now, minutes: CODE_MINUTES, subject })
  }

  /** Changes a person who may still come in, whoever else changes them at the same time; what they came in with before is void. */
  async #change(name: string, change: () => Partial<UserRow>): Promise<UserRow> {
    for (;;) {
      const from = await this.#store.user(name)
      if (from === null || from.revokedAt !== null)
        throw new FederationError(
          'user/not-found',
          `There is no ${name.slice(0, 80)} who may come in`,
        )
      const to = { ...from, ...change(), tokenVersion: from.tokenVersion + 1 }
      if (await this.#store.replaceUser(from, to)) return to
    }
  }
}

const isReserved = (name: string): boolean => RESERVED.includes(name) || name.startsWith('node-')
const counterOf = (name: string): string => sha256(name).slice(0, 4)

const newUser = ({ name, role }: Pick<UserRow, 'name' | 'role'>, now: string): UserRow => ({
  ...{ name, role, passwordHash: null, tokenVersion: 1, createdAt: now, revokedAt: null },
})
