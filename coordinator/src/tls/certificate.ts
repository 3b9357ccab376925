/** What the coordinator shows to prove who it is. The private key never leaves the machine. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { chmod, mkdir, open, readFile, rename } from 'node:fs/promises'
import { hostname } from 'node:os'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { FederationError } from '#protocol/errors.js'

export interface TlsIdentity {
  /** PEM: the certificate, and behind it those that lead to its authority. */
  readonly cert: string
  readonly key: string
  /** SHA-256 of the certificate, `AA:BB:…`: what nodes and people pin. */
  readonly fingerprint: string
  readonly expiresAt: Date
}

/** Pins, not dates, say whether a certificate of its own is good; browsers want a date all the same. */
const SELF_SIGNED_YEARS = 10
const CERTIFICATE_FILE = 'certificate.pem'
const KEY_FILE = 'private-key.pem'
/** Beside the one in use: made in advance, so that its fingerprint can be pinned before it is shown. */
const NEXT = 'next'

const directoryIn = (dataDir: string): string => join(dataDir, 'tls')

/** Reads both files. Throws `tls/unreadable` when one cannot be read, or they do not belong together. */
export async function readIdentity(certFile: string, keyFile: string): Promise<TlsIdentity> {
  const [cert, key] = [await readPem(certFile), await readPem(keyFile)]
  try {
    const certificate = new X509Certificate(cert)
    if (certificate.checkPrivateKey(createPrivateKey(key))) return identityOf(cert, key)
  } catch (cause) {
    const message = `${certFile} and ${keyFile} are not a certificate and a private key in PEM`
    throw new FederationError('tls/unreadable', message, { cause })
  }
  throw new FederationError('tls/unreadable', `${keyFile} is not the key of ${certFile}`)
}

/**
 * The self-signed certificate of a data directory, kept in `<directory>/tls` for its owner only and made on first use. It
 * stays the same until it is rotated: nodes have pinned it. `tls/unreadable`, `store/io`.
 */
export async function selfSignedIdentity(dataDir: string, host: string): Promise<TlsIdentity> {
  const directory = directoryIn(dataDir)
  const files = [join(directory, CERTIFICATE_FILE), join(directory, KEY_FILE)] as const
  if (!(await isThere(files[0]))) await write(directory, await makeSelfSigned(host))
  return readIdentity(...files)
}

/** The same, where it was made before. Throws `tls/unreadable`. */
export const ownIdentity = (dataDir: string): Promise<TlsIdentity> => {
  const directory = directoryIn(dataDir)
  return readIdentity(join(directory, CERTIFICATE_FILE), join(directory, KEY_FILE))
}

/** Makes the certificate that `activateNextIdentity` will put in the place of the one in use, or tells the one that waits. */
export async function prepareNextIdentity(dataDir: string, host: string): Promise<TlsIdentity> {
  const directory = join(directoryIn(dataDir), NEXT)
  const files = [join(directory, CERTIFICATE_FILE), join(directory, KEY_FILE)] as const
  if (!(await isThere(files[0]))) await write(directory, await makeSelfSigned(host))
  return readIdentity(...files)
}

/** Counts from the coordinator's next start. Throws `usage/bad-value` when none was prepared. */
export async function activateNextIdentity(dataDir: string): Promise<TlsIdentity> {
  const directory = directoryIn(dataDir)
  const next = join(directory, NEXT)
  if (!(await isThere(join(next, CERTIFICATE_FILE)))) {
    const message = 'No certificate was prepared: run the command without --activate first'
    throw new FederationError('usage/bad-value', message)
  }
  // The key first: stopped in between, the pair does not match, the coordinator says so, and the command can be repeated.
  for (const name of [KEY_FILE, CERTIFICATE_FILE]) {
    if (await isThere(join(next, name))) await rename(join(next, name), join(directory, name))
  }
  return readIdentity(join(directory, CERTIFICATE_FILE), join(directory, KEY_FILE))
}

function identityOf(cert: string, key: string): TlsIdentity {
  const { fingerprint256, validTo } = new X509Certificate(cert)
  return { cert, key, fingerprint: fingerprint256, expiresAt: new Date(validTo) }
}

type Pair = Pick<TlsIdentity, 'cert' | 'key'>

async function makeSelfSigned(host: string): Promise<Pair> {
  const now = new Date()
  const until = new Date(now)
  until.setUTCFullYear(until.getUTCFullYear() + SELF_SIGNED_YEARS)
  const names = [...new Set(['localhost', hostname(), host])].filter((name) => isIP(name) === 0)
  const addresses = [...new Set(['127.0.0.1', '::1', host])].filter(
    (name) => isIP(name) !== 0 && !['0.0.0.0', '::'].includes(name),
  )
  // Needed once in ten years.
  const { generate } = await import('selfsigned')
  const made = await generate([{ name: 'commonName', value: 'Tributary coordinator' }], {
    ...{ keyType: 'ec', curve: 'P-256', algorithm: 'sha256' },
    ...{ notBeforeDate: now, notAfterDate: until },
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          ...names.map((value) => ({ type: 2 as const, value })),
          ...addresses.map((ip) => ({ type: 7 as const, ip })),
        ],
      },
    ],
  })
  return { cert: made.cert, key: made.private }
}

/** The certificate last: where it is, its key is. */
async function write(directory: string, { cert, key }: Pair): Promise<void> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    await replaceFile(join(directory, KEY_FILE), key, 0o600)
    await replaceFile(join(directory, CERTIFICATE_FILE), cert, 0o644)
  } catch (cause) {
    throw new FederationError('store/io', `Could not write to ${directory}`, { cause })
  }
}

async function replaceFile(path: string, text: string, mode: number): Promise<void> {
  const file = await open(`${path}.new`, 'w', mode)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await chmod(`${path}.new`, mode)
  await rename(`${path}.new`, path)
}

async function readPem(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new FederationError('tls/unreadable', `Cannot read ${path}`, { cause })
  }
}
const isThere = async (path: string): Promise<boolean> => {
  try {
    await readFile(path)
    return true
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw new FederationError('tls/unreadable', `Cannot read ${path}`, { cause })
  }
}
