import { resolve } from 'node:path'
import { FederationError } from '#protocol/errors.js'
import type { RunId } from '#protocol/ids.js'
import type { Fate } from '#protocol/record.js'
import type { RunConfig } from '#protocol/run-config.js'
import {
  readNodeState,
  type Credentials,
  type JournalEntry,
  type NodeState,
} from './state/node-state.js'

/** Bytes by privacy class. */
export type ClassBytes = Readonly<Record<string, number>>

/** One task: what left for it, and what became of that. */
export interface JournalTask {
  readonly round: number
  readonly attempt: number
  readonly part: string
  readonly method: string
  readonly at: string
  readonly bytes: ClassBytes
  /** open: not known yet. policy: refused before any work, because of `reason`. */
  readonly fate: Fate | 'open' | 'policy'
  readonly reason: string | null
}
export interface JournalRun {
  readonly runId: string
  readonly name: string
  readonly tasks: readonly JournalTask[]
  readonly bytes: ClassBytes
}
/** Everything that ever left a node for a run, and what its policy refused: runs in the order of their first lines. */
export interface NodeJournal {
  readonly runs: readonly JournalRun[]
  readonly bytes: ClassBytes
}

type Where = Pick<JournalEntry, 'runId' | 'round' | 'attempt' | 'name' | 'method' | 'part'>

/** What a line of the journal says of the task that it is about. */
export const whereabouts = (task: {
  readonly runId: RunId
  readonly round: number
  readonly attempt: number
  readonly part: string
  readonly config: RunConfig
}): Where => {
  const { runId, round, attempt, part, config } = task
  return { runId, round, attempt, part, name: config.name, method: config.method.name }
}

export interface EnrolledNode {
  readonly state: NodeState
  readonly credentials: Credentials
}
/** What an enrolled node keeps, to be read only, also while the node runs. Throws `data/not-found` for another directory. */
export async function readEnrolled(directory: string): Promise<EnrolledNode> {
  const state = readNodeState(directory)
  const credentials = await state.credentials()
  if (credentials !== null) return { state, credentials }
  const message = `${resolve(directory)} is not the state directory of an enrolled node`
  throw new FederationError('data/not-found', message)
}

/** Throws as `readEnrolled`. */
export async function readJournal(directory: string): Promise<NodeJournal> {
  const { state } = await readEnrolled(directory)
  return journalOf(await state.entries())
}

export function journalOf(entries: readonly JournalEntry[]): NodeJournal {
  const runs = new Map<
    string,
    { readonly name: string; readonly tasks: Map<string, JournalTask> }
  >()
  for (const entry of entries) {
    const { runId, name } = entry
    const run = runs.get(runId) ?? { name, tasks: new Map<string, JournalTask>() }
    runs.set(runId, run)
    const key = keyOf(entry)
    const task = taskAfter(run.tasks.get(key), entry)
    if (task !== null) run.tasks.set(key, task)
  }
  const told = [...runs].map(([runId, { name, tasks }]) => {
    const all = [...tasks.values()]
    return { runId, name, tasks: all, bytes: sumOf(all.map(({ bytes }) => bytes)) }
  })
  return { runs: told, bytes: sumOf(told.map(({ bytes }) => bytes)) }
}

const keyOf = ({ round, attempt, fate }: JournalEntry): string =>
  `${round} ${attempt} ${fate === 'policy' ? 'refused' : 'sent'}`

/** A task performed again by a node that died before it could send is the same task; so is a fate that was told twice. */
function taskAfter(task: JournalTask | undefined, entry: JournalEntry): JournalTask | null {
  const { round, attempt, part, method, at, bytes, fate, reason = null } = entry
  if (fate === 'sent') return { round, attempt, part, method, at, bytes, fate: 'open', reason }
  if (fate === 'policy') return { round, attempt, part, method, at, bytes: {}, fate, reason }
  return task === undefined ? null : { ...task, fate }
}

function sumOf(all: readonly ClassBytes[]): ClassBytes {
  const totals: Record<string, number> = {}
  for (const one of all) {
    for (const [kind, bytes] of Object.entries(one)) totals[kind] = (totals[kind] ?? 0) + bytes
  }
  return totals
}
