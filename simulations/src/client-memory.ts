import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeBundle, encodeBundle, type Bundle } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import type { Slot } from '#protocol/ids.js'
import { unwrap } from '#protocol/result.js'

type Kind = 'memory' | 'pending'

/** What simulated clients keep between rounds, on disk: thousands of them do not fit in memory, and a restarted worker finds it again. */
export class ClientMemory {
  readonly #directory: string

  private constructor(directory: string) {
    this.#directory = directory
  }
  static async open(directory: string): Promise<ClientMemory> {
    await mkdir(directory, { recursive: true })
    return new ClientMemory(directory)
  }

  async read(kind: Kind, slot: Slot): Promise<Bundle | null> {
    try {
      return unwrap(decodeBundle(await readFile(this.#path(kind, slot))))
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw asStoreError(this.#path(kind, slot), cause)
    }
  }

  /** Null removes it. */
  async write(kind: Kind, slot: Slot, bundle: Bundle | null): Promise<void> {
    const path = this.#path(kind, slot)
    try {
      if (bundle === null) return await rm(path, { force: true })
      await writeFile(`${path}.new`, encodeBundle(bundle))
      await rename(`${path}.new`, path)
    } catch (cause) {
      throw asStoreError(path, cause)
    }
  }

  #path(kind: Kind, slot: Slot): string {
    return join(this.#directory, `${slot}.${kind}`)
  }
}

const asStoreError = (path: string, cause: unknown): FederationError =>
  cause instanceof FederationError
    ? cause
    : new FederationError('store/io', `Could not read or write ${path}`, { cause })
