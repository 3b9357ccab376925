import { opendir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '#coordinator/clock.js'

const LEAST_PAUSE_MS = 60_000
/** Measuring takes at most this share of the time. */
const MOST_SHARE = 0.02

/** Bytes of a directory that has very many files: measured in the background, and not all the time. */
export class DirectorySize {
  readonly #directory: string
  readonly #clock: Clock
  #bytes: number | null = null
  #isMeasuring = false
  #nextMs = -Infinity

  constructor(directory: string, clock: Clock) {
    this.#directory = directory
    this.#clock = clock
  }

  /** As measured last; null before the first time. */
  look(): number | null {
    if (!this.#isMeasuring && this.#clock.now() >= this.#nextMs) void this.measure()
    return this.#bytes
  }

  async measure(): Promise<void> {
    this.#isMeasuring = true
    const begun = this.#clock.now()
    try {
      this.#bytes = await bytesIn(this.#directory)
    } catch {
      // A directory that cannot be read now may be later.
    }
    const now = this.#clock.now()
    this.#nextMs = now + Math.max(LEAST_PAUSE_MS, (now - begun) / MOST_SHARE)
    this.#isMeasuring = false
  }
}

async function bytesIn(directory: string): Promise<number> {
  let bytes = 0
  for await (const entry of await opendir(directory)) {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) bytes += await absentAsNone(bytesIn(path))
    else if (entry.isFile()) bytes += await absentAsNone(stat(path).then(({ size }) => size))
  }
  return bytes
}

/** Files and folders come and go meanwhile. */
async function absentAsNone(size: Promise<number>): Promise<number> {
  try {
    return await size
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0
    throw error
  }
}
