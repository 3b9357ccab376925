import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { FederationError } from '#protocol/errors.js'

/** What is typed is not shown. */
const silent = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() })

export const canAsk = (): boolean => process.stdin.isTTY && process.stderr.isTTY

/** Asks on the terminal, without echo. Throws `usage/bad-value` where there is none, and the signal's reason. */
export async function askPassword(question: string, signal: AbortSignal): Promise<string> {
  if (!canAsk()) {
    const message = 'There is no terminal to ask for the password; set TRIBUTARY_PASSWORD'
    throw new FederationError('usage/bad-value', message)
  }
  // Who asks first shows what is typed before the echo is off.
  const reader = createInterface({ input: process.stdin, output: silent(), terminal: true })
  process.stderr.write(question)
  const interrupted = new AbortController()
  // In raw mode the terminal makes no signal of Control-C.
  reader.once('SIGINT', () => interrupted.abort(stopped()))
  try {
    return await reader.question('', { signal: AbortSignal.any([signal, interrupted.signal]) })
  } catch (cause) {
    throw interrupted.signal.aborted || signal.aborted ? stopped(cause) : cause
  } finally {
    reader.close()
    process.stderr.write('\n')
  }
}

/** Twice, until both are the same. Empty: none is chosen. */
export async function askNewPassword(signal: AbortSignal): Promise<string> {
  for (;;) {
    const first = await askPassword('New password (empty: none): ', signal)
    if (first === '') return ''
    if ((await askPassword('The same again: ', signal)) === first) return first
    process.stderr.write('These were different.\n')
  }
}

const stopped = (cause?: unknown): FederationError =>
  new FederationError('usage/bad-value', 'Stopped before a password was given', { cause })
