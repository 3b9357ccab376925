import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where what can be made again is kept for this user: `$XDG_CACHE_HOME/tributary`, by default `~/.cache/tributary`. */
export const cacheDirectory = (): string =>
  join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'tributary')
