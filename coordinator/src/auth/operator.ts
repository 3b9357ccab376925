import { open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { FederationError } from '#protocol/errors.js'
import type { Clock } from '#coordinator/clock.js'
import type { Tokens } from './tokens.js'

/** The name that tokens of people carry: there is one person so far, the administrator. */
export const ADMINISTRATOR = 'administrator'
/** Well within the twelve hours that a person's token is good for. */
const RENEW_MS = 3_600_000

/**
 * Keeps `<directory>/operator.json` {url, token} fresh: whoever may read the data directory is the operator, so commands on
 * the same machine need no signing in. Returns how to stop.
 */
export async function keepOperatorFile(options: {
  readonly directory: string
  readonly url: string
  readonly tokens: Tokens
  readonly clock: Clock
}): Promise<() => void> {
  const { directory, url, tokens, clock } = options
  const write = (): Promise<void> => {
    const { token } = tokens.issue('people', ADMINISTRATOR)
    return replaceFile(join(directory, 'operator.json'), JSON.stringify({ url, token }))
  }
  let timer: { cancel(): void } | null = null
  const again = (): void => {
    timer = clock.after(RENEW_MS, () => {
      // A disk that is full now may have room in an hour; until then the old token serves.
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
