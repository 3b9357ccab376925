import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isPublicKey, isSignedBy, sign } from '#protocol/proof.js'
import { loadAuditKey, readAuditKey } from './audit-key.js'

describe('the key that signs reports', () => {
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'audit-key-'))
  })
  afterEach(() => rm(directory, { recursive: true }))

  it('is made once, for its owner alone, and stays the same', async () => {
    const inside = join(directory, 'data')
    expect(await readAuditKey(inside)).toBeNull()
    const made = await loadAuditKey(inside)
    expect(await loadAuditKey(inside)).toEqual(made)
    expect(isPublicKey(made.publicKey)).toBe(true)
    expect(isSignedBy('text', sign('text', made.privateKey), made.publicKey)).toBe(true)
    expect((await stat(join(inside, 'audit-key'))).mode & 0o777).toBe(0o600)
  })
  it('is not replaced when its file is damaged', async () => {
    await writeFile(join(directory, 'audit-key'), 'no key')
    await expect(loadAuditKey(directory)).rejects.toMatchObject({ code: 'store/corrupt' })
  })
})
