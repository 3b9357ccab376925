import { asFederationError } from '#protocol/errors.js'
import type { DataCard } from '#protocol/data-card.js'
import { sha256 } from '#protocol/ids.js'
import { parseMessage, updateIdOf, type TaskMessage } from '#protocol/messages.js'
import { DEFAULT_POLICY } from '#protocol/policy.js'
import { VERSION } from '#protocol/version.js'
import { openLink, type Answer, type Link } from '#client/transport/socket.js'
import { AccessToken } from '#client/transport/token.js'
import { upload } from '#client/upload.js'

/** A node that was enrolled before: what it shows itself with. */
export interface LoadIdentity {
  readonly nodeId: string
  readonly name: string
  readonly privateKey: string
  /** Names of its classes: runs that ask for others do not get it. Default: those of `LOAD_CARD`. */
  readonly classes?: readonly string[]
}
/** What its data look like. There are none: its updates are random numbers. */
export const LOAD_CARD: DataCard = { inputShape: [256], classes: ['no', 'yes'] }
const ENGINE = { backend: 'none', version: 'load', threads: 1 }

export interface LoadNodeEvents {
  onConnected(node: LoadNode): void
  onLost(node: LoadNode): void
  /** For good: it does not come back by itself. */
  onRefused(node: LoadNode, code: string): void
  onTask(node: LoadNode, task: TaskMessage): void
}

/**
 * A node for load: the connection, the reconnections and the uploads of a real one (client/src/transport, client/src/upload),
 * without data, training and a state directory. It does nothing with a task until it is told.
 */
export class LoadNode {
  readonly name: string
  readonly #link: Link
  readonly #left = new AbortController()

  constructor(url: string, identity: LoadIdentity, events: LoadNodeEvents) {
    this.name = identity.name
    this.#link = openLink({
      url,
      token: new AccessToken(url, identity, this.#left.signal),
      greet: async (link) => {
        const { name, classes = LOAD_CARD.classes } = identity
        const about = { version: VERSION, name, card: { ...LOAD_CARD, classes: [...classes] } }
        await link.ask('node:hello', { ...about, policy: DEFAULT_POLICY })
      },
      onConnected: () => events.onConnected(this),
      onLost: () => events.onLost(this),
      onRefused: ({ code }) => events.onRefused(this, code),
    })
    this.#link.on('round:start', (message): Answer => {
      const task = parseMessage('round:start', message)
      if (!task.ok) return { ok: false, problem: task.error.toProblem() }
      events.onTask(this, task.value)
      return { ok: true }
    })
    for (const name of ['round:fate', 'run:finished']) this.#link.on(name, () => ({ ok: true }))
  }

  /** `ok` once the update counts, else the code of the problem. */
  async send(
    task: TaskMessage,
    update: Uint8Array,
    metrics: Readonly<Record<string, number>> = {},
  ): Promise<string> {
    const { runId, round, attempt, slot, lease } = task
    const place = { runId, round, attempt, slot, lease }
    const about = {
      weight: 1,
      metrics: { ...metrics },
      engine: ENGINE,
      updateSha256: sha256(update),
    }
    try {
      const verdict = await upload(
        this.#link,
        { ...place, ...about },
        { update, signal: this.#left.signal },
      )
      return verdict === 'accepted' ? 'ok' : verdict.code
    } catch (error) {
      return asFederationError(error, 'coordinator/unreachable').code
    }
  }
  /** Begins an update and never sends a byte of it. `ok` once the coordinator waits for its first chunk. */
  async beginOnly(task: TaskMessage, update: Uint8Array): Promise<string> {
    const { runId, round, attempt, slot, lease } = task
    const content = sha256(update)
    try {
      await this.#link.ask('update:begin', {
        ...{ runId, round, attempt, slot, lease, weight: 1, metrics: {}, engine: ENGINE },
        updateId: updateIdOf({ runId, round, attempt, slot, lease, sha256: content }),
        ...{ sha256: content, bytes: update.length },
      })
      return 'ok'
    } catch (error) {
      return asFederationError(error, 'coordinator/unreachable').code
    }
  }
  leave(): void {
    this.#left.abort()
    this.#link.close()
  }
}
