import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newKeyPair } from '#protocol/proof.js'
import { auditKeyOf } from './audit-key-file.js'

const [FIRST, OTHER] = [newKeyPair().publicKey, newKeyPair().publicKey] as const
const told = (key: string) => (): Promise<string> => Promise.resolve(key)
const never = (): Promise<string> => Promise.reject(new TypeError('asked again'))

describe('the key with which a coordinator signs reports', () => {
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'audit-keys-'))
  })
  afterEach(() => rm(directory, { recursive: true }))

  it('is that which it told when the node first came, by address', async () => {
    const here = 'http://127.0.0.1:7400/'
    expect(await auditKeyOf(directory, here, told(FIRST))).toBe(FIRST)
    expect(await auditKeyOf(directory, here, never)).toBe(FIRST)
    expect(await auditKeyOf(directory, 'https://fl.example.org', told(OTHER))).toBe(OTHER)
    expect(await auditKeyOf(directory, here, told(OTHER))).toBe(FIRST)
  })
  it('is not asked for again when the file is damaged: another one could be told', async () => {
    await writeFile(join(directory, 'audit-keys.json'), '{"http://127.0.0.1:7400": "x"}')
    const key = auditKeyOf(directory, 'http://127.0.0.1:7400', told(OTHER))
    await expect(key).rejects.toMatchObject({ code: 'store/corrupt' })
  })
})
