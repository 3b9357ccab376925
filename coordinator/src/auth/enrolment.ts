import { timingSafeEqual } from 'node:crypto'
import { FederationError } from '#protocol/errors.js'
import { isNodeId, newNodeId, sha256, type NodeId } from '#protocol/ids.js'
import { enrolmentText, isSignedBy, newKeyPair, proofText } from '#protocol/proof.js'
import type { NodeRow, Store } from '#coordinator/store/store.js'
import type { Challenges } from './challenges.js'
import { presentCode, refusalOf } from './codes.js'

/** Stands for the key of a node that there is not, so that the time of an answer tells nothing. */
const NOBODY = newKeyPair().publicKey
/** Before the hash of a secret, where a node that an older version enrolled has brought no key yet. */
const OLD_SECRET = 'sha256:'

export interface Enrolment {
  readonly code: string
  readonly name: string
  readonly publicKey: string
  /** `enrolmentText`, signed with the key. */
  readonly proof: string
}

/**
 * A new node in exchange for a code. A node whose answer was lost asks again with the same key and gets the same answer.
 * Throws `auth/bad-token` for a proof that does not hold, `auth/bad-code`, `auth/expired-code`.
 */
export async function enrol(
  store: Store,
  { proof, ...enrolment }: Enrolment,
  now: string,
): Promise<{ readonly nodeId: NodeId }> {
  const { code, name, publicKey } = enrolment
  if (!isSignedBy(enrolmentText(enrolment), proof, publicKey)) throw badProof()
  const outcome = await presentCode(store, 'enrol-node', { code, now })
  if (outcome.status !== 'used-now') {
    const known = outcome.status === 'used-before' ? await nodeWithKey(store, publicKey) : null
    if (known === null) throw refusalOf(outcome.status)
    return { nodeId: known.nodeId }
  }
  const nodeId = newNodeId()
  await store.addNode({ nodeId, name, publicKey, enrolledAt: now, revokedAt: null })
  return { nodeId }
}

export interface Answer {
  readonly nodeId: string
  readonly challenge: string
  /** `proofText`, signed with the node's key. */
  readonly signature: string
}

/** The node that has answered a challenge. Throws `auth/bad-token` alike for an unknown node, a wrong key and a revoked node. */
export async function authenticate(
  { store, challenges }: { readonly store: Store; readonly challenges: Challenges },
  { nodeId, challenge, signature }: Answer,
): Promise<NodeRow> {
  const node = await nodeOf(store, nodeId)
  const text = proofText({ challenge, nodeId, purpose: 'token' })
  challenges.redeem(challenge, { nodeId, purpose: 'token' }, () =>
    isSignedBy(text, signature, node?.publicKey ?? NOBODY),
  )
  if (node === null || node.revokedAt !== null) throw notEnrolled()
  return node
}

/** How a node shows that it may replace its key: with the key that it has, or with the secret that an older version gave it. */
export type KeyRight = { readonly signature: string } | { readonly secret: string }
export interface NewKey {
  readonly nodeId: string
  readonly challenge: string
  readonly publicKey: string
  /** `proofText`, signed with the new key. */
  readonly proof: string
  readonly by: KeyRight
}

/** Replaces a node's key: tokens of the old one are void. Throws `auth/bad-token` whatever is wrong. */
export async function replaceKey(
  { store, challenges }: { readonly store: Store; readonly challenges: Challenges },
  { nodeId, challenge, publicKey, proof, by }: NewKey,
): Promise<void> {
  const node = await nodeOf(store, nodeId)
  const purpose = 'new-key'
  const text = proofText({ challenge, nodeId, purpose, publicKey })
  const held = node?.publicKey ?? NOBODY
  challenges.redeem(challenge, { nodeId, purpose }, () => {
    const mayReplace =
      'secret' in by ? isSecretOf(by.secret, held) : isSignedBy(text, by.signature, held)
    return isSignedBy(text, proof, publicKey) && mayReplace
  })
  const isReplaced = node !== null && (await store.replaceKey(node.nodeId, held, publicKey))
  if (!isReplaced) throw notEnrolled()
}

/** Ends a node's right to come in. False if it was ended before, or there is no such node. */
export const revokeNode = (store: Store, nodeId: NodeId, now: string): Promise<boolean> =>
  store.revokeNode(nodeId, now)

/** Names a key in tokens, so that they are void when the node has another one. */
export const keyIdOf = (publicKey: string): string => sha256(publicKey).slice(0, 32)

const nodeOf = async (store: Store, nodeId: string): Promise<NodeRow | null> =>
  isNodeId(nodeId) ? store.node(nodeId) : null

async function nodeWithKey(store: Store, publicKey: string): Promise<NodeRow | null> {
  const nodes = await store.nodes()
  return nodes.find((node) => node.publicKey === publicKey && node.revokedAt === null) ?? null
}

function isSecretOf(secret: string, held: string): boolean {
  const given = Buffer.from(`${OLD_SECRET}${sha256(secret)}`)
  const expected = Buffer.from(held)
  return given.length === expected.length && timingSafeEqual(given, expected)
}

export const notEnrolled = (): FederationError =>
  new FederationError('auth/bad-token', 'This node is not enrolled here, or no longer')
const badProof = (): FederationError =>
  new FederationError('auth/bad-token', 'The key does not belong to who presents it')
