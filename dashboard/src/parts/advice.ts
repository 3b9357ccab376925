import { ERRORS, type ErrorCode } from '#protocol/errors.js'

/** What to do, where it is another thing before a page than before a terminal. */
const ON_PAGES: Readonly<Partial<Record<ErrorCode, string>>> = {
  'auth/bad-code': 'Ask an administrator for a new code: each is good once',
  'auth/expired-code': 'Ask an administrator for a new code',
  'auth/bad-password': 'Try again, or ask an administrator for a one-time code',
  'auth/bad-token': 'Sign in again',
  'auth/sign-in-again': 'Sign in again, then repeat what you were doing',
  'coordinator/unreachable': 'It is tried again by itself; see that the coordinator runs',
  'run/not-found': 'Go back to the list of runs',
}

export const adviceFor = (code: ErrorCode): string => ON_PAGES[code] ?? ERRORS[code].advice
