import { resolve } from 'node:path'
import { FederationError } from '#protocol/errors.js'
import { readNodeState } from './state/node-state.js'

export interface NodeStatus {
  readonly stateDirectory: string
  readonly nodeId: string
  readonly name: string
  readonly coordinator: string
  /** Runs of which this node keeps a memory. */
  readonly memories: readonly string[]
  /** Tasks whose fate is open. */
  readonly openTasks: readonly { readonly runId: string; readonly round: number }[]
  readonly updatesSent: number
  /** Everything that ever left, by privacy class, in bytes. */
  readonly bytesSent: Readonly<Record<string, number>>
}

/** What a state directory holds; may be read while the node runs. Throws `data/not-found` for another directory. */
export async function readNodeStatus(directory: string): Promise<NodeStatus> {
  const state = readNodeState(directory)
  const credentials = await state.credentials()
  if (credentials === null) {
    throw new FederationError(
      'data/not-found',
      `${resolve(directory)} is not the state directory of an enrolled node`,
    )
  }
  const journal = await state.entries()
  const bytesSent: Record<string, number> = {}
  for (const entry of journal) {
    for (const [kind, bytes] of Object.entries(entry.bytes))
      bytesSent[kind] = (bytesSent[kind] ?? 0) + bytes
  }
  return {
    stateDirectory: resolve(directory),
    nodeId: credentials.nodeId,
    name: credentials.name,
    coordinator: credentials.url,
    memories: await state.memories(),
    openTasks: (await state.openTasks()).map(({ runId, round }) => ({ runId, round })),
    updatesSent: journal.filter(({ fate }) => fate === 'sent').length,
    bytesSent,
  }
}
