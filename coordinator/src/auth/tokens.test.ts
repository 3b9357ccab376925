import { createHmac, generateKeyPairSync } from 'node:crypto'
import jwt from 'jsonwebtoken'
import { describe, expect, it } from 'vitest'
import { signingKey } from './jwt.js'
import { createTokens, type Grant } from './tokens.js'

const SECRET = Buffer.alloc(32, 7)
const NOW = 1_800_000_000
const KEY = signingKey(SECRET, 'fl-client')
const tokens = createTokens(SECRET, () => NOW)
const NODE: Grant = { subject: 'node-0123456789ab', role: 'node', version: 'k1' }
const GOOD = {
  sub: 'node-0123456789ab',
  iss: 'tributary-coordinator',
  aud: 'fl-client',
  iat: NOW,
  exp: NOW + 900,
  jti: '0b0b3f0e-3f5e-4b57-9d6e-2f6c1f1d8a11',
  ...{ role: 'node', ver: 'k1', sid: '6a0f1c0e-3f5e-4b57-9d6e-2f6c1f1d8a12', auth_time: NOW },
}
const sign = (
  claims: object | string,
  secret: jwt.Secret = KEY,
  algorithm: jwt.Algorithm = 'HS256',
) => jwt.sign(claims, secret, { algorithm })
const without = (claim: keyof typeof GOOD): object =>
  Object.fromEntries(Object.entries(GOOD).filter(([name]) => name !== claim))
const part = (value: object | string): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
/** Any header and payload with a correct HMAC, which the library would refuse to make. */
const handMade = (header: object, payload: object | string, secret: Buffer = KEY): string => {
  const text = `${part(header)}.${part(payload)}`
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
}
const HS256 = { alg: 'HS256', typ: 'JWT' }
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const publicPem = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString()

describe('access tokens', () => {
  it('are good for their audience until they expire', () => {
    const { token, expiresInSeconds } = tokens.issue('fl-client', NODE)
    expect(expiresInSeconds).toBe(900)
    expect(tokens.verify(token, 'fl-client')).toEqual({
      ...{ subject: 'node-0123456789ab', role: 'node', version: 'k1', audience: 'fl-client' },
      ...{ expiresAt: NOW + 900, signedInAt: NOW, sessionId: expect.any(String) as string },
    })
    const atEnd = createTokens(SECRET, () => NOW + 904)
    expect(atEnd.verify(token, 'fl-client').subject).toBe('node-0123456789ab')
    const later = createTokens(SECRET, () => NOW + 906)
    expect(() => later.verify(token, 'fl-client')).toThrow(/expired/)
  })

  it('of people last a quarter of an hour, their sessions half a day, and neither longer than is said', () => {
    const ada: Grant = { subject: 'ada', role: 'viewer', version: 'v1' }
    expect(tokens.issue('people', ada).expiresInSeconds).toBe(900)
    expect(tokens.issue('session', ada).expiresInSeconds).toBe(43_200)
    expect(tokens.issue('people', { ...ada, until: NOW + 7 }).expiresInSeconds).toBe(7)
  })
  it('of one kind are signed with a key that is no other’s', () => {
    const kinds = ['fl-client', 'people', 'session', 'challenge'] as const
    const keys = kinds.map((kind) => signingKey(SECRET, kind).toString('hex'))
    expect(new Set([...keys, SECRET.toString('hex')]).size).toBe(5)
  })

  it('made by hand with every claim in order are accepted, so the forgeries below fail for their one flaw', () => {
    expect(tokens.verify(handMade(HS256, GOOD), 'fl-client').subject).toBe(GOOD.sub)
  })

  const forged: readonly (readonly [string, string])[] = [
    ['empty', ''],
    ['not a token', 'abc'],
    ['two parts', 'a.b'],
    ['algorithm none', `${part({ alg: 'none', typ: 'JWT' })}.${part(GOOD)}.`],
    ['algorithm None', `${part({ alg: 'None' })}.${part(GOOD)}.`],
    ['algorithm none with a good signature', handMade({ alg: 'none' }, GOOD)],
    ['no algorithm', handMade({ typ: 'JWT' }, GOOD)],
    ['HS512 with the right secret', sign(GOOD, KEY, 'HS512')],
    ['HS384 with the right secret', sign(GOOD, KEY, 'HS384')],
    ['RS256', sign(GOOD, rsa.privateKey, 'RS256')],
    ['HS256 keyed with a public key', handMade(HS256, GOOD, Buffer.from(publicPem))],
    ['another secret', sign(GOOD, Buffer.alloc(32, 8))],
    ['an empty secret', handMade(HS256, GOOD, Buffer.alloc(0))],
    ['a secret chosen by kid', handMade({ ...HS256, kid: '/dev/null' }, GOOD, Buffer.alloc(0))],
    ['a payload changed after signing', changedPayload(sign(GOOD))],
    ['no signature', `${sign(GOOD).split('.').slice(0, 2).join('.')}.`],
    ['expired', sign({ ...GOOD, iat: NOW - 1000, exp: NOW - 100 })],
    ['no exp', sign(without('exp'))],
    ['exp far away, issued long ago', sign({ ...GOOD, iat: NOW - 10_000, exp: NOW + 10_000 })],
    ['exp as text', handMade(HS256, { ...GOOD, exp: String(NOW + 900) })],
    ['no iat', handMade(HS256, without('iat'))],
    ['not valid yet', sign({ ...GOOD, nbf: NOW + 100 })],
    ['no sub', sign(without('sub'))],
    ['an empty sub', sign({ ...GOOD, sub: '' })],
    ['no jti', sign(without('jti'))],
    ['no iss', sign(without('iss'))],
    ['another iss', sign({ ...GOOD, iss: 'someone' })],
    ['no aud', sign(without('aud'))],
    ['the other aud', sign({ ...GOOD, aud: 'people' })],
    ['both auds', sign({ ...GOOD, aud: ['people', 'fl-client'] })],
    ['an unknown claim', sign({ ...GOOD, admin: true })],
    ['a role that there is not', sign({ ...GOOD, role: 'admin' })],
    ['no role', sign(without('role'))],
    ['no version', sign(without('ver'))],
    ['no session', sign(without('sid'))],
    ['the key of another kind', sign(GOOD, signingKey(SECRET, 'people'))],
    ['the secret itself', sign(GOOD, SECRET)],
    ['a string payload', sign('just text')],
    ['a null payload', handMade(HS256, 'null')],
    ['an array payload', handMade(HS256, '[]')],
    ['a payload that is not JSON', handMade(HS256, '{')],
  ]
  it.each(forged)('refuses a forged one: %s', (_flaw, token) => {
    expect(() => tokens.verify(token, 'fl-client')).toThrow(
      expect.objectContaining({ code: 'auth/bad-token' }) as Error,
    )
  })

  it('are not made with a short secret', () => {
    expect(() => createTokens(Buffer.alloc(31))).toThrow(/32 bytes/)
  })
})

function changedPayload(token: string): string {
  const [header = '', , signature = ''] = token.split('.')
  return `${header}.${part({ ...GOOD, sub: 'node-zzzzzzzzzzzz' })}.${signature}`
}
