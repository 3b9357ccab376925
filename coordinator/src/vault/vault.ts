import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { FederationError } from '#protocol/errors.js'
import { faultPoint } from '#protocol/fault-points.js'
import { isHash, type Hash } from '#protocol/ids.js'
import { absentAsNull, guarded, putFile, syncFolder } from '#coordinator/durable-files.js'
import {
  assertOutside,
  defaultMasterKeyFile,
  makeMasterKey,
  newVaultId,
  readMasterKey,
  wrappedBy,
  type MasterKey,
} from './master-key.js'
import { newKey } from './seal.js'
import { SealedBlobs, type Compartment } from './sealed-blobs.js'

export interface VaultOptions {
  readonly dataDirectory: string
  /** Default: a file of the user's, made on first use. */
  readonly masterKeyFile?: string
  /** Keys that this one wrapped are wrapped anew by the master key. */
  readonly previousMasterKeyFile?: string
  /** What no key opens is destroyed: its rounds are begun anew. Default: it is an error. */
  readonly abandonUnreadable?: boolean
}

const [FOLDER, KEY, ID] = ['vault', 'key', 'id']
const NAME = /^run-[0-9a-z]{12}-\d{1,9}-\d{1,9}(-personal)?$/

/**
 * What members send, and what is for one of them alone, encrypted in `<data directory>/vault/`: a compartment a round, each
 * with a key of its own. A key lies beside its compartment, wrapped by a master key that is elsewhere, or nowhere but in this
 * process. Without its key a compartment is noise: destroying the key is what deletes it.
 */
export class Vault {
  readonly #directory: string
  readonly #master: MasterKey
  readonly #open = new Map<string, Compartment>()

  private constructor(directory: string, master: MasterKey) {
    this.#directory = directory
    this.#master = master
  }

  /**
   * Throws `vault/no-key` and `vault/wrong-key` when rounds lie there that the master key does not open, and `usage/bad-value`
   * when it lies inside the data directory.
   */
  static async open(options: VaultOptions): Promise<Vault> {
    const directory = join(options.dataDirectory, FOLDER)
    const vaultId = await openFolder(options.dataDirectory, directory)
    const file = options.masterKeyFile ?? defaultMasterKeyFile(vaultId)
    assertOutside(options.dataDirectory, file)
    const wrapped = await wrappedKeys(directory)
    const master = await masterKeyIn(file, wrapped.length > 0, options)
    const vault = new Vault(directory, master)
    await vault.#takeOver(wrapped, options)
    return vault
  }

  /** A new compartment, in place of one of that name. `keep`: whether a restart of the coordinator can open it again. */
  async create(name: string, keep: 'disk' | 'memory'): Promise<Compartment> {
    await this.destroy(name)
    const folder = this.#folderOf(name)
    await guarded(folder, () => mkdir(folder, { mode: 0o700 }))
    const compartment = { name, folder, key: newKey() }
    this.#open.set(name, compartment)
    if (keep === 'disk') await this.keep(name)
    return compartment
  }
  /** Lets a compartment that was made in memory outlive this process. */
  async keep(name: string): Promise<void> {
    const compartment = this.#open.get(name)
    if (compartment === undefined)
      throw new FederationError('internal/bug', `There is no open compartment ${name}`)
    const path = join(compartment.folder, KEY)
    await guarded(path, async () => {
      await putFile(path, this.#master.wrap(compartment.key, name))
      await syncFolder(this.#directory)
    })
  }
  /** Null when its key is gone, or it never was. */
  async compartment(name: string): Promise<Compartment | null> {
    const known = this.#open.get(name)
    if (known !== undefined) return known
    const folder = this.#folderOf(name)
    const wrapped = await readKey(folder)
    if (wrapped === null) return null
    const key = this.#master.unwrap(wrapped, name)
    if (key === null)
      throw new FederationError('store/corrupt', `The key in ${folder} was changed`, {
        details: { path: join(folder, KEY) },
      })
    const compartment = { name, folder, key }
    this.#open.set(name, compartment)
    return compartment
  }
  /** The blobs of a compartment; null when its key is gone. */
  async blobs(name: string): Promise<SealedBlobs | null> {
    const compartment = await this.compartment(name)
    return compartment === null ? null : new SealedBlobs(compartment)
  }

  /** The key first: from then on nothing can read the rest, whenever it goes. */
  async destroy(name: string): Promise<void> {
    const folder = this.#folderOf(name)
    const compartment = this.#open.get(name)
    this.#open.delete(name)
    await guarded(folder, async () => {
      if ((await absentAsNull(rm(join(folder, KEY)))) !== null) await syncFolder(folder)
      faultPoint('key.destroyed')
      // Out of the way in one step: a write that is under way finds no folder, instead of leaving something behind.
      const grave = join(this.#directory, `destroyed-${randomBytes(6).toString('hex')}`)
      await absentAsNull(rename(folder, grave))
      compartment?.key.fill(0)
      await rm(grave, { recursive: true, force: true })
    })
  }
  /** Deletes the blobs of a compartment but these. */
  async prune(name: string, kept: ReadonlySet<Hash>): Promise<void> {
    const folder = this.#folderOf(name)
    await guarded(folder, async () => {
      for (const file of (await absentAsNull(readdir(folder))) ?? [])
        if (isHash(file) && !kept.has(file)) await rm(join(folder, file), { force: true })
    })
  }
  async names(): Promise<readonly string[]> {
    return namesIn(this.#directory)
  }

  /** Names of what is stored never become paths unseen. */
  #folderOf(name: string): string {
    if (NAME.test(name)) return join(this.#directory, name)
    throw new FederationError('store/corrupt', `'${name}' is no name of a compartment`)
  }

  /** After this, the master key opens all that has a key. */
  async #takeOver(
    wrapped: readonly WrappedKey[],
    { previousMasterKeyFile, abandonUnreadable = false }: VaultOptions,
  ): Promise<void> {
    const foreign = wrapped.filter(({ by }) => by !== this.#master.id)
    const previous =
      previousMasterKeyFile === undefined ? null : await readMasterKey(previousMasterKeyFile)
    for (const { name, bytes } of foreign) {
      const key = previous?.unwrap(bytes, name) ?? null
      if (key !== null) {
        const path = join(this.#folderOf(name), KEY)
        await guarded(path, () => putFile(path, this.#master.wrap(key, name)))
        key.fill(0)
      } else if (abandonUnreadable) await this.destroy(name)
      else throw unreadable('vault/wrong-key', `The master key does not open ${name}`)
    }
  }
}

interface WrappedKey {
  readonly name: string
  readonly bytes: Buffer
  /** Which master key wrapped it; null: it is damaged. */
  readonly by: string | null
}

const unreadable = (code: 'vault/no-key' | 'vault/wrong-key', what: string): FederationError =>
  new FederationError(
    code,
    `${what}: updates of open rounds, and bundles for single members, are encrypted with it. Pass the right file as --master-key (one that was replaced as --previous-master-key), or give these rounds up with --abandon-open-rounds: they are begun anew`,
  )

/** Makes what is absent; returns the vault's id. */
async function openFolder(dataDirectory: string, directory: string): Promise<string> {
  return guarded(directory, async () => {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    await syncFolder(dataDirectory)
    for (const name of await readdir(directory))
      if (name.startsWith('destroyed-')) await rm(join(directory, name), { recursive: true })
    const path = join(directory, ID)
    const known = await absentAsNull(readFile(path, 'utf8'))
    if (known !== null && /^[0-9a-f]{16}\n$/.test(known)) return known.trim()
    const vaultId = newVaultId()
    await putFile(path, Buffer.from(`${vaultId}\n`))
    return vaultId
  })
}

async function masterKeyIn(
  file: string,
  isNeeded: boolean,
  { abandonUnreadable = false, previousMasterKeyFile }: VaultOptions,
): Promise<MasterKey> {
  const known = await readMasterKey(file)
  if (known !== null) return known
  if (isNeeded && !abandonUnreadable && previousMasterKeyFile === undefined)
    throw unreadable('vault/no-key', `There is no master key in ${file}`)
  return makeMasterKey(file)
}

async function namesIn(directory: string): Promise<readonly string[]> {
  return (await guarded(directory, () => readdir(directory))).filter((name) => NAME.test(name))
}
const readKey = (folder: string): Promise<Buffer | null> =>
  guarded(folder, () => absentAsNull(readFile(join(folder, KEY))))

async function wrappedKeys(directory: string): Promise<readonly WrappedKey[]> {
  const keys: WrappedKey[] = []
  for (const name of await namesIn(directory)) {
    const bytes = await readKey(join(directory, name))
    if (bytes !== null) keys.push({ name, bytes, by: wrappedBy(bytes) })
  }
  return keys
}
