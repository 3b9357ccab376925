import { createRequire } from 'node:module'

/** The package's version, read from the one place that states it. */
export const VERSION = (
  createRequire(import.meta.url)('tributary/package.json') as { version: string }
).version
