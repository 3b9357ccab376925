import { readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { FederationError } from '#protocol/errors.js'
import { readNodeState, type JournalEntry } from './state/node-state.js'

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
  const journal = await readJournal(directory)
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
    memories: await memoriesIn(directory),
    openTasks: (await state.openTasks()).map(({ runId, round }) => ({ runId, round })),
    updatesSent: journal.length,
    bytesSent,
  }
}

async function readJournal(directory: string): Promise<readonly JournalEntry[]> {
  const text = await orNothing(readFile(join(directory, 'journal.jsonl'), 'utf8'), '')
  // A line cut short by a kill is the last one only: it had not been acknowledged to anyone.
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as JournalEntry)
}
async function memoriesIn(directory: string): Promise<readonly string[]> {
  const names = await orNothing(readdir(join(directory, 'memory')), [])
  return names.filter((name) => name.endsWith('.bundle')).map((name) => name.replace('.bundle', ''))
}
async function orNothing<T>(value: Promise<T>, nothing: T): Promise<T> {
  try {
    return await value
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return nothing
    throw error
  }
}
