import { appendFile, mkdir, readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { lock } from 'proper-lockfile'
import { decodeBundle, encodeBundle, type Bundle } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import { sha256, type Hash, type RunId } from '#protocol/ids.js'
import type { Fate, Metrics } from '#protocol/record.js'
import type { Engine } from '#protocol/record.js'
import type { RunConfig } from '#protocol/run-config.js'
import { unwrap } from '#protocol/result.js'
import { readIfThere, removeDurably, writeDurably } from './durable-file.js'

export interface Credentials {
  readonly url: string
  readonly nodeId: string
  readonly name: string
  readonly secret: string
}
/** A task whose fate is open: everything to send its update again, and to settle the memory. */
export interface OpenTask {
  readonly runId: RunId
  readonly round: number
  readonly attempt: number
  readonly slot: number
  readonly lease: string
  readonly part: string
  readonly config: RunConfig
  readonly weight: number
  readonly metrics: Metrics
  readonly engine: Engine
  readonly privacy: Readonly<Record<string, number>>
  readonly updateSha256: Hash
  readonly hasPending: boolean
}
/** One line for everything that left this node. */
export interface JournalEntry {
  readonly at: string
  readonly runId: string
  readonly round: number
  /** Payload bytes by privacy class. */
  readonly bytes: Readonly<Record<string, number>>
  readonly fate: Fate | 'sent'
}

/** What a node keeps in its state directory. Every write is durable when it resolves. */
export interface NodeState {
  readonly directory: string
  credentials(): Promise<Credentials | null>
  saveCredentials(credentials: Credentials): Promise<void>
  memory(runId: string): Promise<Bundle | null>
  openTask(runId: string): Promise<OpenTask | null>
  openTasks(): Promise<readonly OpenTask[]>
  /** The update of the open task, to send it again without computing it again. */
  outgoing(runId: string): Promise<Uint8Array | null>
  pending(runId: string): Promise<Bundle | null>
  saveOpenTask(task: OpenTask, update: Uint8Array, pending: Bundle | null): Promise<void>
  /** Replaces the memory and forgets the open task, in this order: done twice it is the same. */
  settle(runId: string, memory: Bundle | null): Promise<void>
  asset(hash: Hash): Promise<Uint8Array | null>
  saveAsset(hash: Hash, bytes: Uint8Array): Promise<void>
  journal(entry: JournalEntry): Promise<void>
  release(): Promise<void>
}

/**
 * A killed node leaves its lock behind, which counts for nothing once it was not renewed for five seconds. Whoever comes
 * back sooner waits that long; a lock that is still renewed after seven belongs to a node that lives.
 */
const LOCK = { stale: 5_000, update: 1_000, retries: { retries: 14, factor: 1, minTimeout: 500 } }

/** Takes the directory for this process. `store/locked` while another node uses it. */
export async function openNodeState(directory: string): Promise<NodeState> {
  const root = resolve(directory)
  await mkdir(root, { recursive: true, mode: 0o700 })
  let unlock: () => Promise<void>
  try {
    unlock = await lock(root, LOCK)
  } catch (cause) {
    const message = `Another node uses the state directory ${root}; give this one its own with --state-dir`
    throw new FederationError('store/locked', message, { cause })
  }
  return createState(root, unlock)
}

/** Only reads: for `client status` while the node runs. */
export const readNodeState = (directory: string): NodeState =>
  createState(resolve(directory), async () => undefined)

function createState(root: string, release: () => Promise<void>): NodeState {
  const at = (...names: readonly string[]): string => join(root, ...names)
  const json = async <T>(path: string): Promise<T | null> => {
    const bytes = await readIfThere(path)
    return bytes === null ? null : (JSON.parse(Buffer.from(bytes).toString('utf8')) as T)
  }
  const bundle = async (path: string): Promise<Bundle | null> => {
    const bytes = await readIfThere(path)
    return bytes === null ? null : unwrap(decodeBundle(bytes))
  }
  const state: NodeState = {
    directory: root,
    credentials: () => json(at('credentials.json')),
    saveCredentials: (credentials) =>
      writeDurably(at('credentials.json'), JSON.stringify(credentials)),
    memory: (runId) => bundle(at('memory', `${runId}.bundle`)),
    openTask: (runId) => json(at('open', `${runId}.json`)),
    openTasks: async () => {
      const names = await namesIn(at('open'))
      const tasks = names
        .filter((name) => name.endsWith('.json'))
        .map((name) => json<OpenTask>(at('open', name)))
      return (await Promise.all(tasks)).filter((task) => task !== null)
    },
    outgoing: (runId) => readIfThere(at('open', `${runId}.update`)),
    pending: (runId) => bundle(at('open', `${runId}.pending`)),
    async saveOpenTask(task, update, pending) {
      await writeDurably(at('open', `${task.runId}.update`), update)
      if (pending !== null) {
        await writeDurably(at('open', `${task.runId}.pending`), encodeBundle(pending))
      }
      await writeDurably(at('open', `${task.runId}.json`), JSON.stringify(task))
    },
    async settle(runId, memory) {
      const path = at('memory', `${runId}.bundle`)
      if (memory === null) await removeDurably(path)
      else await writeDurably(path, encodeBundle(memory))
      for (const kind of ['json', 'update', 'pending']) {
        await removeDurably(at('open', `${runId}.${kind}`))
      }
    },
    async asset(hash) {
      const bytes = await readIfThere(at('assets', hash))
      return bytes !== null && sha256(bytes) === hash ? bytes : null
    },
    saveAsset: (hash, bytes) => writeDurably(at('assets', hash), bytes),
    journal: (entry) =>
      appendFile(at('journal.jsonl'), `${JSON.stringify(entry)}\n`, { mode: 0o600 }),
    release,
  }
  return state
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}
