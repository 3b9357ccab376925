/** How a node shows that it holds its key: what it signs, and how that is checked. docs/protocol.md, "For nodes". */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign as signBytes,
  verify as verifyBytes,
  type KeyObject,
} from 'node:crypto'
import { canonicalJson } from './json.js'
import { isPublicKey, type ProofPurpose } from './public-key.js'

export { isPublicKey, PROOF_PURPOSES, type ProofPurpose } from './public-key.js'

export interface KeyPair {
  /** SPKI DER in base64url. */
  readonly publicKey: string
  /** PKCS #8 DER in base64url; it never leaves the node. */
  readonly privateKey: string
}
export function newKeyPair(): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  return {
    publicKey: publicKey.export({ type: 'spki', format: 'der' }).toString('base64url'),
    privateKey: privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64url'),
  }
}

export const publicKeyOf = (privateKey: string): string =>
  createPublicKey(privateKeyOf(privateKey))
    .export({ type: 'spki', format: 'der' })
    .toString('base64url')

/** What a node signs to enrol: it holds the key, and means this code and this name. The code is used up, so this says it once. */
export const enrolmentText = (enrolment: {
  readonly code: string
  readonly name: string
  readonly publicKey: string
}): string => `tributary/enrol/1|${canonicalJson({ ...enrolment })}`

/**
 * What a node signs to answer a challenge. The challenge is good once, for a minute, and only at the coordinator that made
 * it; the text adds who answers it and what for.
 */
export const proofText = (proof: {
  readonly challenge: string
  readonly nodeId: string
  readonly purpose: ProofPurpose
  /** The key that is to be the node's from now on; only for `new-key`. */
  readonly publicKey?: string
}): string => `tributary/proof/1|${canonicalJson({ ...proof })}`

/** Base64url. */
export const sign = (text: string, privateKey: string): string =>
  signBytes(null, Buffer.from(text), privateKeyOf(privateKey)).toString('base64url')

/** False for a signature of something else or by another key, and for a key that is none. Never throws. */
export function isSignedBy(text: string, signature: string, publicKey: string): boolean {
  if (!isPublicKey(publicKey)) return false
  const key = createPublicKey({
    key: Buffer.from(publicKey, 'base64url'),
    format: 'der',
    type: 'spki',
  })
  return verifyBytes(null, Buffer.from(text), key, Buffer.from(signature, 'base64url'))
}

const privateKeyOf = (privateKey: string): KeyObject =>
  createPrivateKey({ key: Buffer.from(privateKey, 'base64url'), format: 'der', type: 'pkcs8' })
