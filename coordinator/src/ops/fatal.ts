import { asFederationError } from '#protocol/errors.js'
import type { Logger } from './log.js'

/** How a process ends in which something happened that no code expected. */
const EXIT_STATUS = 1

/**
 * An exception that nothing caught may have left anything half done: it is logged and the process ends. Crash tests show that
 * ending is safe at every instant; going on would not be. Whoever supervises the process starts it again. Returns how to undo.
 */
export function exitOnFault(log: Pick<Logger, 'fatal'>): () => void {
  const end = (cause: unknown): void => {
    const error = asFederationError(cause)
    try {
      log.fatal({ code: error.code, err: error }, 'A fault that nothing caught: exiting')
    } finally {
      process.exit(EXIT_STATUS)
    }
  }
  // Rejections that nobody handles arrive here too, unless Node.js was told otherwise.
  process.on('uncaughtException', end).on('unhandledRejection', end)
  return () => {
    process.off('uncaughtException', end).off('unhandledRejection', end)
  }
}
