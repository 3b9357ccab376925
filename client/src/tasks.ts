import { asFederationError, FederationError, type Problem } from '#protocol/errors.js'
import { parseMessage, type Message, type TaskMessage } from '#protocol/messages.js'
import { configHash } from '#protocol/run-config.js'
import {
  algorithmsOf,
  auditNotAllowed,
  notAllowed,
  PROTECTION_UNKNOWN,
  refusalText,
} from '#protocol/policy.js'
import { matchCard } from '#data/index.js'
import { whereabouts } from './journal.js'
import type { NodeContext } from './node-context.js'
import { performTask } from './perform-task.js'
import { askFate, settleFate } from './settle.js'
import type { Answer } from './transport/socket.js'

/** What the wire takes of a problem's message. */
const LONGEST_MESSAGE = 4000
/** Refusals that say that the coordinator expects nothing of this task any more. */
const IS_OVER = new Set<string>(['round/closed', 'round/not-leased'])
const OVER: Problem = {
  code: 'round/closed',
  message: 'The round was over before this node was ready',
}

type Place = Pick<Message<'round:fate'>, 'runId' | 'round' | 'attempt' | 'slot'>
const samePlace = (a: Place, b: Place): boolean =>
  a.runId === b.runId && a.round === b.round && a.attempt === b.attempt && a.slot === b.slot

/** The tasks of a node: one at a time, in the order in which they were offered; fates take their turn between them. */
export class Tasks {
  readonly #node: NodeContext
  /** Taken and not finished, by lease; aborted when the coordinator's record says that the round is over. */
  readonly #taken = new Map<string, { readonly place: Place; readonly over: AbortController }>()
  /** Leases of tasks that the policy refused: told once, however often they are offered. */
  readonly #refused = new Set<string>()
  #work: Promise<void> = Promise.resolve()
  #current: TaskMessage | null = null

  constructor(node: NodeContext) {
    this.#node = node
  }

  /** A task is offered again after each reconnection: once taken, it stays taken. */
  offered(message: unknown): Answer {
    const parsed = parseMessage('round:start', message)
    if (!parsed.ok) return { ok: false, problem: clipped(parsed.error.toProblem()) }
    const task = parsed.value
    const problem = unfit(this.#node, task) ?? refusal(this.#node, task)
    if (problem !== null) {
      if (problem.code === 'policy/refused') this.#queue(() => this.#noteRefusal(task, problem))
      return { ok: false, problem: clipped(problem) }
    }
    if (this.#taken.has(task.lease)) return { ok: true }
    const over = new AbortController()
    this.#taken.set(task.lease, { place: task, over })
    this.#queue(() => this.#perform(task, over.signal))
    return { ok: true }
  }

  /** Work for a round that is over ends at once; the memory is settled when its turn comes. */
  fate(message: unknown): Answer {
    const parsed = parseMessage('round:fate', message)
    if (!parsed.ok) return { ok: false, problem: clipped(parsed.error.toProblem()) }
    const { fate, ...place } = parsed.value
    this.#end(place)
    this.#queue(async () => {
      const open = await this.#node.state.openTask(place.runId)
      if (open !== null && samePlace(open, place)) await settleFate(this.#node, open, fate)
    })
    return { ok: true }
  }

  /** After a connection: rounds may have closed meanwhile. */
  connected(): void {
    for (const { place } of this.#taken.values()) void this.#endIfOver(place)
    this.#queue(() => this.#settleOpenTasks())
  }

  /** For people who watch; not worth a second try. */
  progress({ done, total }: { readonly done: number; readonly total: number }): void {
    if (this.#current === null) return
    const { runId, round, slot } = this.#current
    const message = { runId, round, slot, done, total }
    this.#node.link.ask('node:progress', message).catch(() => undefined)
  }

  /** Resolves when nothing is being done any more. */
  async idle(): Promise<void> {
    await this.#work
  }

  async #perform(task: TaskMessage, over: AbortSignal): Promise<void> {
    const { runId, round, slot, lease } = task
    const where = { runId, round, slot }
    this.#current = task
    try {
      over.throwIfAborted()
      this.#node.emit('task:started', where)
      const verdict = await performTask(this.#node, task, over)
      if (verdict === 'accepted') {
        this.#node.emit('update:accepted', where)
        return
      }
      this.#node.emit('update:refused', { ...where, ...verdict })
      await this.#report(task, verdict)
    } catch (error) {
      if (this.#node.signal.aborted) return
      const problem = over.aborted ? OVER : asFederationError(error, 'task/failed').toProblem()
      if (problem.code === 'policy/refused') await this.#noteRefusal(task, problem)
      else this.#node.emit('task:failed', { ...where, ...problem })
      await this.#report(task, problem)
    } finally {
      this.#current = null
      this.#taken.delete(lease)
    }
  }

  /** For the owner, who may want to allow it. */
  async #noteRefusal(task: TaskMessage, { code, message }: Problem): Promise<void> {
    if (this.#refused.has(task.lease)) return
    this.#refused.add(task.lease)
    const { runId, round, slot } = task
    this.#node.emit('task:refused', { runId, round, slot, code, message })
    const at = new Date().toISOString()
    const line = { ...whereabouts(task), at, bytes: {}, fate: 'policy' as const, reason: message }
    await this.#node.state.journal(line)
  }

  /** The coordinator must not wait for this member until the deadline. Goes on until it has heard. */
  async #report(task: TaskMessage, problem: Problem): Promise<void> {
    if (IS_OVER.has(problem.code)) return
    const { runId, round, attempt, slot, lease } = task
    const failure = { runId, round, attempt, slot, lease, problem: clipped(problem) }
    for (;;) {
      await this.#node.link.connected()
      try {
        await this.#node.link.ask('task:failed', failure)
        return
      } catch (error) {
        if (!(error instanceof FederationError)) throw error
        if (IS_OVER.has(error.code)) return
        if (error.code !== 'coordinator/unreachable') throw error
      }
    }
  }

  #end(place: Place): void {
    for (const taken of this.#taken.values()) if (samePlace(taken.place, place)) taken.over.abort()
  }
  async #endIfOver(place: Place): Promise<void> {
    // A connection that is lost meanwhile comes back, and with it this question.
    const fate = await askFate(this.#node, place).catch(() => 'open' as const)
    if (fate !== 'open') this.#end(place)
  }

  async #settleOpenTasks(): Promise<void> {
    for (const task of await this.#node.state.openTasks()) {
      const fate = await askFate(this.#node, task)
      if (fate !== 'open') await settleFate(this.#node, task, fate)
    }
  }

  #queue(work: () => Promise<void>): void {
    this.#work = this.#work.then(work).catch((error: unknown) => {
      if (this.#node.signal.aborted) return
      this.#node.emit('node:problem', { ...asFederationError(error).toProblem() })
    })
  }
}

/** Why this node cannot take a task; null when it can. */
function unfit({ card }: NodeContext, task: TaskMessage): Problem | null {
  const mismatch = matchCard(card, task.config.task)
  if (mismatch !== null) return { code: 'data/mismatch', message: mismatch }
  if (configHash(task.config) === task.configHash) return null
  return {
    code: 'message/malformed',
    message: 'The configuration is not the one that configHash names',
  }
}

/** What the task asks that the owner does not allow, as far as the task itself says; null: nothing. */
function refusal({ policy }: NodeContext, task: TaskMessage): Problem | null {
  const { config, uplink, cohort, audit = null } = task
  const algorithms = algorithmsOf(config)
  const classes = uplink.map(({ privacyClass }) => privacyClass)
  // By the process that trains: it knows what transforms do.
  const protection = PROTECTION_UNKNOWN
  const calibration = config.calibration?.name ?? null
  const refused =
    notAllowed(policy, { algorithms, classes, cohort, protection, calibration }) ??
    auditNotAllowed(policy, audit)
  return refused === null ? null : { code: 'policy/refused', message: refusalText(refused) }
}

const clipped = ({ code, message }: Problem): Problem => ({
  code,
  message: message.slice(0, LONGEST_MESSAGE),
})
