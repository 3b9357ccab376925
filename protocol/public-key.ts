/** What public keys look like, and what a signature may be for. Nothing here needs Node.js, so that pages can check what they are told. */

/** What a challenge is answered for: an access token, or the right to replace the key. */
export const PROOF_PURPOSES = ['token', 'new-key'] as const
export type ProofPurpose = (typeof PROOF_PURPOSES)[number]

/**
 * Ed25519 in SPKI DER: twelve bytes that are always the same, then the 32 of the key. In base64url the twelve are sixteen
 * letters, and of the last letter only the upper four bits count: the others are 0 in the one way in which it can be written.
 */
const PUBLIC_KEY = /^MCowBQYDK2VwAyEA[\w-]{42}[AEIMQUYcgkosw048]$/

/** Whether the text is an Ed25519 public key, in the one way in which it can be written. */
export const isPublicKey = (text: string): boolean => PUBLIC_KEY.test(text)
