import { X509Certificate } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  activateNextIdentity,
  prepareNextIdentity,
  readIdentity,
  selfSignedIdentity,
} from './certificate.js'

describe('the certificate of a data directory', () => {
  let directory: string
  const inTls = (name: string): string => join(directory, 'tls', name)
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tributary-certificate-'))
  })
  afterEach(() => rm(directory, { recursive: true }))

  it('is made once, its key for its owner only', async () => {
    const first = await selfSignedIdentity(directory, '192.0.2.7')
    expect(await selfSignedIdentity(directory, 'elsewhere')).toEqual(first)
    expect((await stat(inTls('private-key.pem'))).mode & 0o777).toBe(0o600)
    expect((await stat(join(directory, 'tls'))).mode & 0o777).toBe(0o700)
    const certificate = new X509Certificate(first.cert)
    expect(first.fingerprint).toBe(certificate.fingerprint256)
    for (const name of ['localhost', 'IP Address:127.0.0.1', 'IP Address:192.0.2.7'])
      expect(certificate.subjectAltName).toContain(name)
    expect(certificate.ca).toBe(false)
    expect(certificate.publicKey.asymmetricKeyDetails).toMatchObject({ namedCurve: 'prime256v1' })
    expect(first.expiresAt.getUTCFullYear() - new Date().getUTCFullYear()).toBe(10)
  })

  it('changes in two steps, so that nodes can be told the fingerprint before it is shown', async () => {
    const first = await selfSignedIdentity(directory, 'a')
    await expect(activateNextIdentity(directory)).rejects.toMatchObject({ code: 'usage/bad-value' })
    const next = await prepareNextIdentity(directory, 'a')
    expect(next.fingerprint).not.toBe(first.fingerprint)
    expect(await prepareNextIdentity(directory, 'a')).toEqual(next)
    expect(await selfSignedIdentity(directory, 'a')).toEqual(first)
    expect(await activateNextIdentity(directory)).toEqual(next)
    expect(await selfSignedIdentity(directory, 'a')).toEqual(next)
    expect((await stat(inTls('private-key.pem'))).mode & 0o777).toBe(0o600)
    expect((await prepareNextIdentity(directory, 'a')).fingerprint).not.toBe(next.fingerprint)
  })

  it('is read from files of an authority, if they belong together', async () => {
    const made = await selfSignedIdentity(directory, 'a')
    const files = [inTls('certificate.pem'), inTls('private-key.pem')] as const
    expect(await readIdentity(...files)).toEqual(made)
    const other = await prepareNextIdentity(directory, 'a')
    await writeFile(join(directory, 'other.pem'), other.key)
    await writeFile(join(directory, 'none.pem'), 'hello')
    for (const [cert, key, problem] of [
      [files[0], join(directory, 'other.pem'), /is not the key of/],
      [files[0], join(directory, 'none.pem'), /are not a certificate and a private key/],
      [files[1], files[0], /are not a certificate and a private key/],
      [join(directory, 'absent.pem'), files[1], /Cannot read/],
    ] as const) {
      const reading = readIdentity(cert, key)
      await expect(reading).rejects.toMatchObject({ code: 'tls/unreadable' })
      await expect(reading).rejects.toThrow(problem)
      await expect(reading).rejects.not.toThrow((await readFile(files[1], 'utf8')).slice(30, 80))
    }
  })
})
