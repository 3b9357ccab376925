import { once } from 'node:events'

/** Until a line comes in, there can come none any more, or the signal says that it is enough. */
export async function waitForEnter(
  signal: AbortSignal,
  input: NodeJS.ReadableStream = process.stdin,
): Promise<void> {
  if (signal.aborted) return
  const settled = new AbortController()
  const options = { signal: settled.signal }
  try {
    await Promise.race([
      once(input, 'data', options),
      once(input, 'end', options),
      once(signal, 'abort', options),
    ])
  } finally {
    // Nobody listens on, and a stream that nobody reads keeps no process alive.
    settled.abort()
    input.pause()
  }
}
