/** Access tokens that no coordinator made. */
import { createHmac, createSign, generateKeyPairSync, randomUUID } from 'node:crypto'

type Json = Readonly<Record<string, unknown>>
/** What a forger may know: what a sound token says, and the keys of everything but this door. */
export interface Known {
  readonly claims: Json & { readonly iat: number; readonly exp: number }
  /** The right key, for forgeries of claims: as if the holder of the key had made a mistake. */
  readonly key: Buffer
  /** Keys that sign other things here. */
  readonly otherKeys: readonly Buffer[]
  readonly secret: Buffer
}

const part = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** A token of whatever header and payload; HMAC of the named digest. */
export function sign(payload: unknown, key: Buffer | string, header: Json = {}): string {
  const { alg = 'HS256' } = header
  const digest = { HS256: 'sha256', HS384: 'sha384', HS512: 'sha512' }[alg as 'HS256'] ?? 'sha256'
  const text = `${part({ alg: 'HS256', typ: 'JWT', ...header })}.${part(payload)}`
  return `${text}.${createHmac(digest, key).update(text).digest('base64url')}`
}
const without = (claims: Json, key: string): Json =>
  Object.fromEntries(Object.entries(claims).filter(([name]) => name !== key))

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString()
function signRsa(payload: unknown, header: Json = {}): string {
  const text = `${part({ alg: 'RS256', typ: 'JWT', ...header })}.${part(payload)}`
  return `${text}.${createSign('sha256').update(text).sign(rsa.privateKey).toString('base64url')}`
}

/** Every way that is known of, by name. */
export const FORGERIES: Readonly<Record<string, (known: Known) => string>> = {
  empty: () => '',
  'no token at all': () => 'abc',
  'three dots': () => '...',
  'alg none': ({ claims }) => `${part({ alg: 'none', typ: 'JWT' })}.${part(claims)}.`,
  'alg None': ({ claims }) => `${part({ alg: 'None', typ: 'JWT' })}.${part(claims)}.`,
  'alg none with the signature': ({ claims, key }) => sign(claims, key, { alg: 'none' }),
  'no alg': ({ claims, key }) => sign(claims, key, { alg: undefined }).replace(/^[^.]+/, part({})),
  HS384: ({ claims, key }) => sign(claims, key, { alg: 'HS384' }),
  HS512: ({ claims, key }) => sign(claims, key, { alg: 'HS512' }),
  'RS256 of a key of its own': ({ claims }) => signRsa(claims),
  'HS256 with a public key for a secret': ({ claims }) => sign(claims, pem),
  'its own key in the header': ({ claims }) =>
    signRsa(claims, { jwk: rsa.publicKey.export({ format: 'jwk' }) }),
  'the address of a key': ({ claims }) => signRsa(claims, { jku: 'http://127.0.0.1:1/jwks.json' }),
  'a kid that is a path': ({ claims }) => sign(claims, '', { kid: '../../../../dev/null' }),
  'a kid that is a statement': ({ claims }) => sign(claims, 'x', { kid: "x' UNION SELECT 'x" }),
  'an empty key': ({ claims }) => sign(claims, ''),
  'another key': ({ claims }) => sign(claims, Buffer.alloc(32, 9)),
  'the secret itself': ({ claims, secret }) => sign(claims, secret),
  'a key that signs other things': ({ claims, otherKeys }) => sign(claims, otherKeys[0]!),
  'another key that signs other things': ({ claims, otherKeys }) => sign(claims, otherKeys[1]!),
  expired: ({ claims, key }) =>
    sign({ ...claims, iat: claims.iat - 800, exp: claims.iat - 30 }, key),
  'ended when it began': ({ claims, key }) =>
    sign({ ...claims, iat: claims.iat - 60, exp: claims.iat - 60 }, key),
  'not good yet': ({ claims, key }) => sign({ ...claims, nbf: claims.iat + 600 }, key),
  'older than any may be': ({ claims, key }) =>
    sign({ ...claims, iat: claims.iat - 86_400, exp: claims.iat + 86_400 }, key),
  'without end': ({ claims, key }) => sign(without(claims, 'exp'), key),
  'with an end in words': ({ claims, key }) => sign({ ...claims, exp: '2099' }, key),
  'without beginning': ({ claims, key }) => sign(without(claims, 'iat'), key),
  'without issuer': ({ claims, key }) => sign(without(claims, 'iss'), key),
  'of another issuer': ({ claims, key }) => sign({ ...claims, iss: 'tributary' }, key),
  'without audience': ({ claims, key }) => sign(without(claims, 'aud'), key),
  'of another audience': ({ claims, key }) => sign({ ...claims, aud: 'admin' }, key),
  'of several audiences': ({ claims, key }) => sign({ ...claims, aud: [claims['aud'], 'x'] }, key),
  'without subject': ({ claims, key }) => sign(without(claims, 'sub'), key),
  'with an empty subject': ({ claims, key }) => sign({ ...claims, sub: '' }, key),
  'with a subject that is an object': ({ claims, key }) =>
    sign({ ...claims, sub: { $ne: 1 } }, key),
  'of somebody else': ({ claims, key }) => sign({ ...claims, sub: 'node-zzzzzzzzzzzz' }, key),
  'without number': ({ claims, key }) => sign(without(claims, 'jti'), key),
  'without role': ({ claims, key }) => sign(without(claims, 'role'), key),
  'of a role that is none': ({ claims, key }) => sign({ ...claims, role: 'root' }, key),
  'of a higher role': ({ claims, key }) =>
    sign({ ...claims, role: claims['role'] === 'viewer' ? 'administrator' : 'viewer' }, key),
  'of another version': ({ claims, key }) => sign({ ...claims, ver: 'v99' }, key),
  'without session': ({ claims, key }) => sign(without(claims, 'sid'), key),
  'with more than it has room for': ({ claims, key }) => sign({ ...claims, admin: true }, key),
  'that is a word': ({ key }) => sign('administrator', key),
  'that is a list': ({ claims, key }) => sign([claims], key),
  'with a part that must be understood': ({ claims, key }) =>
    sign({ ...claims, jti: randomUUID(), b64: false, aud: `${claims['aud'] as string} ` }, key, {
      crit: ['b64'],
      b64: false,
    }),
  'with a signature cut short': ({ claims, key }) => sign(claims, key).slice(0, -4),
  'with a signature of another token': ({ claims, key }) => {
    const [header, , signature] = sign(claims, key).split('.')
    return `${header}.${part({ ...claims, jti: randomUUID() })}.${signature}`
  },
  'with one bit changed': ({ claims, key }) => {
    const token = sign(claims, key)
    const at = token.length - 20
    return token.slice(0, at) + (token.charAt(at) === 'A' ? 'B' : 'A') + token.slice(at + 1)
  },
  'of five parts': ({ claims, key }) => `${sign(claims, key)}.x.y`,
}
