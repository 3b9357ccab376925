import { open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { FederationError } from '#protocol/errors.js'
import type { Clock } from '#coordinator/clock.js'
import type { Grant, Tokens } from './tokens.js'

/** Who may read the data directory. No person can have this name. */
export const OPERATOR = 'operator'
/** The operator is in no store, so there is nothing of it that could change but the secret that signs. */
export const OPERATOR_GRANT: Grant & { readonly version: string } = {
  ...{ subject: OPERATOR, role: 'administrator', version: 'operator' },
}
/** Well within the quarter of an hour that a token is good for. */
const RENEW_MS = 300_000

/**
 * Keeps `<directory>/operator.json` {url, fingerprint, token} fresh: whoever may read the data directory is the operator, so commands on
 * the same machine need no signing in. Returns how to stop.
 */
export async function keepOperatorFile(options: {
  readonly directory: string
  readonly url: string
  /** Of the certificate that commands on this machine may expect; null without TLS. */
  readonly fingerprint: string | null
  readonly tokens: Tokens
  readonly clock: Clock
}): Promise<() => void> {
  const { directory, url, fingerprint, tokens, clock } = options
  const write = (): Promise<void> => {
    const { token } = tokens.issue('people', OPERATOR_GRANT)
    return replaceFile(
      join(directory, 'operator.json'),
      JSON.stringify({ url, fingerprint, token }),
    )
  }
  let timer: { cancel(): void } | null = null
  const again = (): void => {
    timer = clock.after(RENEW_MS, () => {
      // A disk that is full now may have room in five minutes; until then the old token serves.
      write().then(again, again)
    })
  }
  await write()
  again()
  return () => timer?.cancel()
}

async function replaceFile(path: string, text: string): Promise<void> {
  try {
    const file = await open(`${path}.new`, 'w', 0o600)
    try {
      await file.writeFile(text)
    } finally {
      await file.close()
    }
    await rename(`${path}.new`, path)
  } catch (cause) {
    throw new FederationError('store/io', `Could not write ${path}`, { cause })
  }
}
