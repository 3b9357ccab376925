import { resolve } from 'node:path'
import type { Policy } from '#protocol/policy.js'
import { journalOf, readEnrolled } from './journal.js'
import type { NodeState } from './state/node-state.js'

/** A run in which this node has performed a task. */
export interface RunStatus {
  readonly runId: string
  readonly name: string
  readonly method: string
  readonly slot: number
  /** Of its latest update. */
  readonly round: number
  readonly hasMemory: boolean
  /** none: the method keeps none. not-yet: no update of this node has been settled. */
  readonly personalModel: 'kept' | 'not-yet' | 'none'
}
export interface NodeStatus {
  readonly stateDirectory: string
  readonly nodeId: string
  readonly name: string
  readonly coordinator: string
  /** With which the node was started last; null: it never was. */
  readonly policy: Policy | null
  readonly runs: readonly RunStatus[]
  /** Runs of which this node keeps a memory. */
  readonly memories: readonly string[]
  /** Tasks whose fate is open. */
  readonly openTasks: readonly { readonly runId: string; readonly round: number }[]
  readonly updatesSent: number
  /** Tasks that the policy refused. */
  readonly refused: number
  /** Everything that ever left, by privacy class, in bytes. */
  readonly bytesSent: Readonly<Record<string, number>>
}

/** What a state directory holds; may be read while the node runs. Throws `data/not-found` for another directory. */
export async function readNodeStatus(directory: string): Promise<NodeStatus> {
  const { state, credentials } = await readEnrolled(directory)
  const journal = journalOf(await state.entries())
  const tasks = journal.runs.flatMap((run) => run.tasks)
  const refused = tasks.filter(({ fate }) => fate === 'policy').length
  return {
    stateDirectory: resolve(directory),
    nodeId: credentials.nodeId,
    name: credentials.name,
    coordinator: credentials.url,
    policy: await state.policy(),
    runs: await runStatuses(state),
    memories: await state.memories(),
    openTasks: (await state.openTasks()).map(({ runId, round }) => ({ runId, round })),
    updatesSent: tasks.length - refused,
    refused,
    bytesSent: journal.bytes,
  }
}

async function runStatuses(state: NodeState): Promise<readonly RunStatus[]> {
  const memories = new Set(await state.memories())
  return (await state.runs()).map((run) => {
    const { runId, name, method, slot, round, hasPersonalModel } = run
    const hasMemory = memories.has(runId)
    const model = hasMemory ? 'kept' : 'not-yet'
    const personalModel = hasPersonalModel ? model : 'none'
    return { runId, name, method, slot, round, hasMemory, personalModel }
  })
}
