import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { publicKeyOf } from '#protocol/proof.js'
import { loadAuditKey } from '#coordinator/audit-gate/audit-key.js'
import { readPublicKey, readSigningKey, signingKeyAt } from './signing-key.js'

describe('keys that sign reports', () => {
  let directory: string
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tributary-key-'))
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))
  const at = (name: string): string => join(directory, name)

  it('are made once, for their owner alone', async () => {
    const path = at('own/key.pem')
    const made = await signingKeyAt(path)
    const found = await signingKeyAt(path)
    expect([made.isNew, found.isNew]).toEqual([true, false])
    expect(found.privateKey).toBe(made.privateKey)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(await readPublicKey(path)).toBe(publicKeyOf(made.privateKey))
  })

  it('can be those of other tools', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    await writeFile(at('private.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }))
    await writeFile(at('public.pem'), publicKey.export({ type: 'spki', format: 'pem' }))
    const own = publicKeyOf((await readSigningKey(at('private.pem'))).privateKey)
    expect(await readPublicKey(at('public.pem'))).toBe(own)
    expect(await readPublicKey(own)).toBe(own)
  })

  it('can be those of a coordinator', async () => {
    const { privateKey, publicKey } = await loadAuditKey(at('coordinator'))
    const path = at('coordinator/audit-key')
    expect(await readSigningKey(path)).toEqual({ privateKey, isNew: false })
    expect(await readPublicKey(path)).toBe(publicKey)
    await writeFile(at('public.txt'), `${publicKey}\n`)
    expect(await readPublicKey(at('public.txt'))).toBe(publicKey)
  })

  it('are refused where they are of another kind, or none', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    await writeFile(at('ec.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }))
    await writeFile(at('text.pem'), 'no key')
    for (const name of ['ec.pem', 'text.pem']) {
      await expect(readSigningKey(at(name))).rejects.toThrow(/expected an Ed25519 key/)
      await expect(signingKeyAt(at(name))).rejects.toThrow(/expected an Ed25519 key/)
    }
    await expect(readSigningKey(at('nowhere.pem'))).rejects.toThrow(/there is no such file/)
    await expect(readPublicKey('MCow')).rejects.toThrow(/no public key, and no such file/)
  })
})
