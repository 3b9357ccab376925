import { randomBytes, timingSafeEqual } from 'node:crypto'
import { FederationError } from '#protocol/errors.js'
import { isNodeId, newNodeId, sha256, type NodeId } from '#protocol/ids.js'
import type { NodeRow, Store } from '#coordinator/store/store.js'
import { redeemCode } from './codes.js'

const SECRET_BYTES = 32

/** A new node in exchange for a code. The secret is shown to the node once; the coordinator keeps its hash. */
export async function enrol(
  store: Store,
  request: { readonly code: string; readonly name: string; readonly now: string },
): Promise<{ readonly nodeId: NodeId; readonly secret: string }> {
  const { code, name, now } = request
  await redeemCode(store, 'enrol-node', { code, now })
  const [nodeId, secret] = [newNodeId(), randomBytes(SECRET_BYTES).toString('hex')]
  await store.addNode({
    nodeId,
    name,
    publicKey: sha256(secret),
    enrolledAt: now,
    revokedAt: null,
  })
  return { nodeId, secret }
}

/** The node that knows the secret. Throws `auth/bad-token` alike for an unknown node, a wrong secret and a revoked node. */
export async function authenticate(
  store: Store,
  credentials: { readonly nodeId: string; readonly secret: string },
): Promise<NodeRow> {
  const { nodeId, secret } = credentials
  const node = isNodeId(nodeId) ? await store.node(nodeId) : null
  // Compared even when there is no such node, so that the time tells nothing.
  const expected = Buffer.from(node?.publicKey ?? sha256(''), 'hex')
  const isSame = timingSafeEqual(Buffer.from(sha256(secret), 'hex'), expected)
  if (node !== null && isSame && node.revokedAt === null) return node
  throw notEnrolled()
}

/** The node of a valid token, if it may still come in. */
export async function activeNode(store: Store, nodeId: string): Promise<NodeRow> {
  const node = isNodeId(nodeId) ? await store.node(nodeId) : null
  if (node === null || node.revokedAt !== null) throw notEnrolled()
  return node
}

const notEnrolled = (): FederationError =>
  new FederationError('auth/bad-token', 'This node is not enrolled here, or no longer')
