/** Cookies of browsers in which people are signed in. */

/** Names begin with `__Host-` where the connection is encrypted: then no other page of the host or its neighbours can set them. */
export const sessionCookie = (isEncrypted: boolean): string =>
  isEncrypted ? '__Host-tributary-session' : 'tributary-session'
export const csrfCookie = (isEncrypted: boolean): string =>
  isEncrypted ? '__Host-tributary-csrf' : 'tributary-csrf'

/** What a request tells of the way it came. */
export interface Way {
  /** The connection to this process is TLS. */
  readonly isTls: boolean
  readonly cookieHeader: string | undefined
  /** Held against the allowed ones before anything is given for it. */
  readonly origin: string | undefined
}

/** Also where something in front encrypts: then the page's origin says so, or the cookie that it got before. */
export const isEncrypted = ({ isTls, cookieHeader, origin }: Way): boolean =>
  isTls ||
  origin?.startsWith('https://') === true ||
  parseCookies(cookieHeader).has(sessionCookie(true))

/** The session in a browser's cookies; null: none. */
export const sessionOf = (way: Way): string | null =>
  parseCookies(way.cookieHeader).get(sessionCookie(isEncrypted(way))) ?? null

/** For this site alone, out of reach of scripts. Without TLS, which is for one's own machine, a browser would not keep a secure one. */
export const cookieOptions = (isEncrypted: boolean) =>
  ({ httpOnly: true, sameSite: 'strict', secure: isEncrypted, path: '/' }) as const

/** The cookies of a request by name, without any that occurs twice: one of the two was put there by somebody else. */
export function parseCookies(header: string | undefined): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  const twice = new Set<string>()
  for (const part of (header ?? '').split(';')) {
    const at = part.indexOf('=')
    if (at < 0) continue
    const name = part.slice(0, at).trim()
    if (found.has(name)) twice.add(name)
    found.set(name, part.slice(at + 1).trim())
  }
  for (const name of twice) found.delete(name)
  return found
}
