import { randomBytes } from 'node:crypto'
import { mkdir, readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { lock } from 'proper-lockfile'
import { decodeBundle, encodeBundle, type Bundle } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import { sha256, type Hash, type RunId } from '#protocol/ids.js'
import type { Fate, Metrics } from '#protocol/record.js'
import type { Engine } from '#protocol/record.js'
import type { Policy } from '#protocol/policy.js'
import { newKeyPair } from '#protocol/proof.js'
import type { RunConfig } from '#protocol/run-config.js'
import { unwrap } from '#protocol/result.js'
import {
  appendLineDurably,
  onDisk,
  readIfThere,
  removeDurably,
  unlessMissing,
  writeDurably,
} from './durable-file.js'

export interface Credentials {
  readonly url: string
  readonly nodeId: string
  readonly name: string
  /** Made on this node, PKCS #8 DER in base64url; nothing but this directory ever holds it. */
  readonly privateKey?: string
  /** What an older version got in its place; exchanged for a key at the next start. */
  readonly secret?: string
  /** The key that is about to take the other's place: the coordinator may have been told of it or not. */
  readonly nextKey?: string
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
/** A run in which this node has performed a task: what its memory of the run is to be read with. */
export interface KnownRun {
  readonly runId: RunId
  readonly name: string
  readonly method: string
  readonly slot: number
  readonly config: RunConfig
  /** Whether the memory holds a model of this client's own. */
  readonly hasPersonalModel: boolean
  /** When, and in which round, its latest update was made. */
  readonly at: string
  readonly round: number
}
/** One line before anything leaves this node, one when it knows what became of it, and one for what its policy forbids. */
export interface JournalEntry {
  readonly at: string
  readonly runId: string
  readonly round: number
  readonly attempt: number
  /** Of the run, for people. */
  readonly name: string
  readonly method: string
  readonly part: string
  /** Payload bytes by privacy class; none in a line that tells a fate or a refusal. */
  readonly bytes: Readonly<Record<string, number>>
  /** policy: the task was refused before any work; `reason` says why. */
  readonly fate: Fate | 'sent' | 'policy'
  readonly reason?: string
}

/** What a node keeps in its state directory. Every write is durable when it resolves. */
export interface NodeState {
  readonly directory: string
  credentials(): Promise<Credentials | null>
  /** The key to enrol with, made when there is none: a node that dies while it enrols goes on with the same. */
  enrolmentKey(): Promise<string>
  /** A new identity has no past: what the one before kept for its runs is forgotten. */
  saveCredentials(credentials: Credentials): Promise<void>
  /** 32 random bytes that never leave this directory; made when there are none, and on disk before anyone has them. */
  noiseSecret(): Promise<Uint8Array>
  policy(): Promise<Policy | null>
  /** Only for people to see: a node that starts again gets its policy from whoever starts it. */
  savePolicy(policy: Policy): Promise<void>
  /** In the order of their latest updates. */
  runs(): Promise<readonly KnownRun[]>
  saveRun(run: KnownRun): Promise<void>
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
  /** Where a saved asset lies. */
  assetPath(hash: Hash): string
  saveAsset(hash: Hash, bytes: Uint8Array): Promise<void>
  journal(entry: JournalEntry): Promise<void>
  /** In order. */
  entries(): Promise<readonly JournalEntry[]>
  /** Runs of which this node keeps a memory. */
  memories(): Promise<readonly string[]>
  /** Gives the directory back; again changes nothing. */
  release(): Promise<void>
}

/**
 * A killed node leaves its lock behind, which counts for nothing once it was not renewed for five seconds. Whoever comes
 * back sooner waits that long; a lock that is still renewed after seven belongs to a node that lives.
 */
const LOCK = { stale: 5_000, update: 1_000, retries: { retries: 14, factor: 1, minTimeout: 500 } }

/**
 * Takes the directory for this process. `store/locked` while another node uses it, `store/io` when it cannot be written.
 * `onLost` is called when the lock is gone later: the directory was removed, or taken after this process had stood still.
 */
export async function openNodeState(
  directory: string,
  onLost: (error: FederationError) => void = () => undefined,
): Promise<NodeState> {
  const root = resolve(directory)
  await onDisk('made', () => mkdir(root, { recursive: true, mode: 0o700 }))
  let unlock: (() => Promise<void>) | null = await takeLock(root, onLost)
  const release = async (): Promise<void> => {
    const held = unlock
    unlock = null
    // A lock that was lost cannot be given back.
    await held?.().catch(() => undefined)
  }
  return createState(root, release)
}

async function takeLock(
  root: string,
  onLost: (error: FederationError) => void,
): Promise<() => Promise<void>> {
  const onCompromised = (cause: Error): void => {
    const message = `The state directory ${root} was removed, or another node has taken it`
    onLost(new FederationError('store/locked', message, { cause }))
  }
  try {
    return await lock(root, { ...LOCK, onCompromised })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ELOCKED')
      return onDisk('locked', () => Promise.reject(cause as Error))
    const message = `Another node uses the state directory ${root}; give this one its own with --state-dir`
    throw new FederationError('store/locked', message, { cause })
  }
}

/** Only reads: for `client status` while the node runs. */
export const readNodeState = (directory: string): NodeState =>
  createState(resolve(directory), async () => undefined)

function createState(root: string, release: () => Promise<void>): NodeState {
  const at = (...names: readonly string[]): string => join(root, ...names)
  return {
    directory: root,
    ...identityIn(at),
    ...runsIn(at),
    ...assetsIn(at),
    ...journalIn(at),
    release,
  }
}
const NOISE_SECRET_BYTES = 32
type At = (...names: readonly string[]) => string

const identityIn = (
  at: At,
): Pick<
  NodeState,
  'credentials' | 'saveCredentials' | 'enrolmentKey' | 'noiseSecret' | 'policy' | 'savePolicy'
> => ({
  policy: () => readJson(at('policy.json')),
  savePolicy: (policy) => writeDurably(at('policy.json'), JSON.stringify(policy)),
  credentials: () => readJson(at('credentials.json')),
  async saveCredentials(credentials) {
    const earlier = await readJson<Credentials>(at('credentials.json'))
    if (earlier !== null && earlier.nodeId !== credentials.nodeId) {
      for (const kind of ['open', 'memory', 'runs']) await removeDurably(at(kind))
    }
    await writeDurably(at('credentials.json'), JSON.stringify(credentials))
    await removeDurably(at('enrolling.json'))
  },
  async noiseSecret() {
    const known = await readIfThere(at('noise.key'))
    if (known?.length === NOISE_SECRET_BYTES) return known
    const made = randomBytes(NOISE_SECRET_BYTES)
    await writeDurably(at('noise.key'), made)
    return made
  },
  async enrolmentKey() {
    const begun = await readJson<{ readonly privateKey: string }>(at('enrolling.json'))
    if (begun !== null) return begun.privateKey
    const { privateKey } = newKeyPair()
    await writeDurably(at('enrolling.json'), JSON.stringify({ privateKey }))
    return privateKey
  },
})

const runsIn = (
  at: At,
): Pick<
  NodeState,
  | 'runs'
  | 'saveRun'
  | 'memory'
  | 'memories'
  | 'openTask'
  | 'openTasks'
  | 'outgoing'
  | 'pending'
  | 'saveOpenTask'
  | 'settle'
> => ({
  async runs() {
    const ids = await namesIn(at('runs'), '.json')
    const runs = await Promise.all(ids.map((id) => readJson<KnownRun>(at('runs', `${id}.json`))))
    return runs.filter((run) => run !== null).sort((a, b) => (a.at < b.at ? -1 : 1))
  },
  saveRun: (run) => writeDurably(at('runs', `${run.runId}.json`), JSON.stringify(run)),
  memory: (runId) => readBundle(at('memory', `${runId}.bundle`)),
  memories: () => namesIn(at('memory'), '.bundle'),
  openTask: (runId) => readJson(at('open', `${runId}.json`)),
  async openTasks() {
    const runs = await namesIn(at('open'), '.json')
    const tasks = runs.map((runId) => readJson<OpenTask>(at('open', `${runId}.json`)))
    return (await Promise.all(tasks)).filter((task) => task !== null)
  },
  outgoing: (runId) => readIfThere(at('open', `${runId}.update`)),
  pending: (runId) => readBundle(at('open', `${runId}.pending`)),
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
})

const assetsIn = (at: At): Pick<NodeState, 'asset' | 'assetPath' | 'saveAsset'> => ({
  async asset(hash) {
    const bytes = await readIfThere(at('assets', hash))
    return bytes !== null && sha256(bytes) === hash ? bytes : null
  },
  assetPath: (hash) => at('assets', hash),
  saveAsset: (hash, bytes) => writeDurably(at('assets', hash), bytes),
})

const journalIn = (at: At): Pick<NodeState, 'journal' | 'entries'> => ({
  journal: (entry) => appendLineDurably(at('journal.jsonl'), JSON.stringify(entry)),
  async entries() {
    const bytes = await readIfThere(at('journal.jsonl'))
    const lines = Buffer.from(bytes ?? [])
      .toString('utf8')
      .split('\n')
    return lines.flatMap((line) => entryOf(line) ?? [])
  },
})
/** Null for a line that a kill has cut short: what it was about had not left yet. */
function entryOf(line: string): JournalEntry | null {
  try {
    const entry = JSON.parse(line) as JournalEntry
    // Lines of earlier versions say no more than the run and the round.
    return { ...{ attempt: 1, name: entry.runId, method: '', part: '' }, ...entry }
  } catch {
    return null
  }
}

async function readJson<T>(path: string): Promise<T | null> {
  const bytes = await readIfThere(path)
  return bytes === null ? null : (JSON.parse(Buffer.from(bytes).toString('utf8')) as T)
}
async function readBundle(path: string): Promise<Bundle | null> {
  const bytes = await readIfThere(path)
  return bytes === null ? null : unwrap(decodeBundle(bytes))
}
/** Names of the files that end so, without the end. */
async function namesIn(directory: string, end: string): Promise<readonly string[]> {
  const names = await onDisk('read', () => unlessMissing(readdir(directory), []))
  return names.filter((name) => name.endsWith(end)).map((name) => name.slice(0, -end.length))
}
