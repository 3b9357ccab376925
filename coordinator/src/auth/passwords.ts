import { hash, verify } from '@node-rs/argon2'
import { FederationError } from '#protocol/errors.js'

/** OWASP's recommendation for argon2id: 19 MiB, two passes, one lane. */
const COST = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const
/** Each takes 19 MiB and a core for a while. */
const [MOST_AT_ONCE, MOST_WAITING] = [2, 64]
const [MIN_PASSWORD_LENGTH, MIN_DIFFERENT] = [12, 4]

let running = 0
const waiting: (() => void)[] = []

/** One at a time per core; a crowd is sent away rather than queued. */
async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (waiting.length >= MOST_WAITING)
    throw new FederationError('auth/too-many-tries', 'Too many people sign in at this moment')
  if (running >= MOST_AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve))
  else running += 1
  try {
    return await work()
  } finally {
    const next = waiting.shift()
    if (next === undefined) running -= 1
    else next()
  }
}

/** Throws `auth/weak-password`. */
export function assertStrong(password: string): void {
  if ([...password].length >= MIN_PASSWORD_LENGTH && new Set(password).size >= MIN_DIFFERENT) return
  const message = `A password has at least ${MIN_PASSWORD_LENGTH} characters, ${MIN_DIFFERENT} of them different`
  throw new FederationError('auth/weak-password', message)
}

/** Argon2id in its standard text form. */
export const hashPassword = (password: string): Promise<string> =>
  inTurn(() => hash(password.normalize('NFKC'), COST))

/** Of a password that nobody has: compared where there is no other, so that the time of an answer tells nothing. */
let nobody: Promise<string> | null = null

/** Whether it is the password; takes the same time where there is none to compare with. */
export async function isPassword(password: string, passwordHash: string | null): Promise<boolean> {
  nobody ??= hash('nobody has this password', COST)
  const expected = passwordHash ?? (await nobody)
  const isSame = await inTurn(() => verify(expected, password.normalize('NFKC')))
  return isSame && passwordHash !== null
}
