import { describe, expect, it } from 'vitest'
import { newKeyPair } from './proof.js'
import { isPublicKey } from './public-key.js'

describe('isPublicKey', () => {
  it('knows the keys that Node.js makes', () => {
    for (let i = 0; i < 20; i += 1) expect(isPublicKey(newKeyPair().publicKey)).toBe(true)
  })
  it('takes a key in one way of writing only', () => {
    const { publicKey } = newKeyPair()
    const last = publicKey.at(-1) ?? ''
    const sameBytes = publicKey.slice(0, -1) + String.fromCharCode(last.charCodeAt(0) + 1)
    expect(Buffer.from(sameBytes, 'base64url')).toEqual(Buffer.from(publicKey, 'base64url'))
    for (const wrong of [sameBytes, `${publicKey}=`, publicKey.slice(1), ` ${publicKey}`, ''])
      expect(isPublicKey(wrong)).toBe(false)
  })
})
