/** Nodes without data, directories or processes: only what a coordinator knows them by. */
import { enrol, fetchToken, type Identity } from '#client/transport/http.js'
import { newKeyPair } from '#protocol/proof.js'
import type { NodeRow } from '#coordinator/store/store.js'
import { newNodeId } from '#protocol/ids.js'

export type { Identity }
const { signal } = new AbortController()

/** A node with a key of its own, in exchange for an invitation. */
export async function enrolWithCode(url: string, code: string, name: string): Promise<Identity> {
  const { privateKey } = newKeyPair()
  const { nodeId } = await enrol(url, { code, name, privateKey }, signal)
  return { nodeId, privateKey }
}

/** An access token for a quarter of an hour, by way of a challenge that the node signs. */
export const tokenOf = async (url: string, identity: Identity): Promise<string> =>
  (await fetchToken(url, identity, signal)).token

/** A node that is put into a store directly: thousands of them need no invitations. */
export function madeUpNode(
  name: string,
  change: Partial<NodeRow> = {},
): { readonly row: NodeRow; readonly identity: Identity } {
  const [nodeId, { publicKey, privateKey }] = [newNodeId(), newKeyPair()]
  const row = { nodeId, name, publicKey, enrolledAt: '2026-01-01T00:00:00.000Z', revokedAt: null }
  return { row: { ...row, ...change }, identity: { nodeId, privateKey } }
}
