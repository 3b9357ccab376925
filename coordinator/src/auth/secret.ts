import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { FederationError } from '#protocol/errors.js'

/** HS256 is as strong as its secret: fewer bytes than its digest has would be the weakest part. */
export const MIN_SECRET_BYTES = 32

export interface SigningSecret {
  readonly bytes: Buffer
  /** Made just now: the data directory is new. */
  readonly isNew: boolean
}

/** The secret that signs access tokens, kept in `<directory>/signing-secret` for its owner only; made on first use. */
export async function loadSigningSecret(directory: string): Promise<SigningSecret> {
  const path = join(directory, 'signing-secret')
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    return { bytes: await create(path), isNew: true }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST')
      return { bytes: await read(path), isNew: false }
    throw new FederationError('store/io', `Could not write ${path}`, { cause })
  }
}

/** Every token is void from the coordinator's next start on, when another secret is made. Throws `store/io`. */
export async function forgetSigningSecret(directory: string): Promise<void> {
  const path = join(directory, 'signing-secret')
  try {
    await rm(path)
  } catch (cause) {
    throw new FederationError('store/io', `Could not delete ${path}`, { cause })
  }
}

async function create(path: string): Promise<Buffer> {
  const bytes = randomBytes(MIN_SECRET_BYTES)
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(bytes.toString('hex'))
    await file.sync()
  } finally {
    await file.close()
  }
  return bytes
}

async function read(path: string): Promise<Buffer> {
  const text = (await readFile(path, 'utf8')).trim()
  const bytes = Buffer.from(text, 'hex')
  if (bytes.length >= MIN_SECRET_BYTES && bytes.toString('hex') === text) return bytes
  throw new FederationError(
    'store/corrupt',
    `${path} does not hold ${MIN_SECRET_BYTES} bytes in hexadecimal; delete it to make a new secret (everyone signs in again)`,
  )
}
