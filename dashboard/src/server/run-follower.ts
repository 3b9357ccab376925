/** One run as it goes on: what a page shows of it, from its view and then by events. Knows nothing of React. */
import { advance } from '#protocol/attempts.js'
import type { FederationError } from '#protocol/errors.js'
import type { RunId } from '#protocol/ids.js'
import {
  MOST_TIMELINE_ROUNDS,
  type Attempt,
  type RunView,
  type Stage,
} from '#protocol/run-views.js'
import type { RunEvent } from '#protocol/ui-messages.js'
import { problemOf, type Api } from './api.js'
import type { Live } from './live.js'
import { lineAfter, makesAnotherView, small } from './run-news.js'

/** What is known of a run now. */
export interface RunNow {
  /** As it is now: its line, stage and latest attempt go on by events, the rest is asked for again when a round closes. */
  readonly view: RunView
  /** Oldest first; the latest is the last. Earlier ones: `loadEarlier`. */
  readonly attempts: readonly Attempt[]
  readonly hasEarlier: boolean
  /** What happened since the page was opened, oldest first, the latest few hundred; of closed rounds without members. */
  readonly events: readonly RunEvent[]
  /** Of the latest event. */
  readonly lastSeq: number
}
export interface FollowerOptions {
  readonly api: Pick<Api, 'call'>
  readonly runId: RunId
  /** What was asked about the run's closed rounds is no longer all: at most once a second. */
  readonly onGrown: () => void
}
/** What a page of the run can be told by, of the whole connection. */
export type RunNews = Pick<Live, 'onRun'>

const FIRST_ROUNDS = 20
const MOST_EVENTS = 500
const [AGAIN_MS, RETRY_MS] = [1_000, 2_000]

export class RunFollower {
  readonly #options: FollowerOptions
  readonly #listeners = new Set<() => void>()
  #now: RunNow | null = null
  #problem: FederationError | null = null
  /** Events up to these are in the view, and in the attempts. */
  #viewSeq = 0
  #attemptsSeq = 0
  /** Rounds of which attempts are kept: as many as were asked for, and no more as the run goes on. */
  #mostRounds = MOST_TIMELINE_ROUNDS
  #lookAgain: ReturnType<typeof setTimeout> | null = null
  #turn = new AbortController()
  #news: RunNews | null = null
  #forget: () => void = () => undefined

  constructor(options: FollowerOptions) {
    this.#options = options
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
  /** Null until it was asked for. */
  readonly now = (): RunNow | null => this.#now
  /** Why the latest try to ask for it failed; null: it did not. */
  readonly problem = (): FederationError | null => this.#problem

  /** From now on, until the answer is called. */
  follow(news: RunNews): () => void {
    this.#news = news
    void this.#begin()
    return () => {
      this.#end()
      this.#news = null
    }
  }
  /** Begins anew: also after a problem. */
  readonly retry = (): void => {
    if (this.#news === null) return
    this.#end()
    void this.#begin()
  }

  /** Attempts at the rounds before those that are known. Throws what the coordinator refuses with. */
  readonly loadEarlier = async (): Promise<void> => {
    const first = this.#now?.attempts[0]
    if (first === undefined) return
    const earlier = await this.#timeline(first.round)
    const now = this.#now
    // Something else came first: another such answer, or everything anew.
    if (now?.attempts[0]?.round !== first.round) return
    this.#mostRounds += FIRST_ROUNDS
    this.#become({
      attempts: [...earlier.attempts, ...now.attempts],
      hasEarlier: earlier.hasEarlier,
    })
  }

  async #begin(): Promise<void> {
    const { signal } = (this.#turn = new AbortController())
    try {
      const view = await this.#view(signal)
      const timeline = await this.#timeline()
      if (signal.aborted) return
      this.#problem = null
      this.#viewSeq = view.lastSeq
      this.#attemptsSeq = timeline.lastSeq
      this.#mostRounds = MOST_TIMELINE_ROUNDS
      const { attempts, hasEarlier } = timeline
      this.#now = { view, attempts, hasEarlier, events: [], lastSeq: view.lastSeq }
      this.#forget = this.#listen(view.lastSeq)
      this.#tell()
    } catch (error) {
      if (signal.aborted) return
      this.#problem = problemOf(error)
      this.#tell()
      if (this.#problem.retryable) this.#later(RETRY_MS, () => void this.#begin())
    }
  }
  #end(): void {
    this.#turn.abort()
    this.#forget()
    this.#forget = () => undefined
    if (this.#lookAgain !== null) clearTimeout(this.#lookAgain)
    this.#lookAgain = null
  }

  #listen(after: number): () => void {
    const watcher = {
      onEvents: (events: readonly RunEvent[]) => this.#take(events),
      onStage: (stage: Stage) => this.#takeStage(stage),
      onLost: this.retry,
    }
    return this.#news?.onRun(this.#options.runId, after, watcher) ?? (() => undefined)
  }

  #take(news: readonly RunEvent[]): void {
    const now = this.#now
    const last = news.at(-1)
    if (now === null || last === undefined) return
    const forAttempts = news.filter(({ seq }) => seq > this.#attemptsSeq)
    const all = forAttempts.reduce(advance, now.attempts)
    const attempts = this.#kept(all)
    const forView = news.filter(({ seq }) => seq > this.#viewSeq)
    const line = forView.reduce(lineAfter, now.view.line)
    this.#attemptsSeq = Math.max(this.#attemptsSeq, last.seq)
    this.#viewSeq = Math.max(this.#viewSeq, last.seq)
    this.#become({
      view: { ...now.view, line, latest: attempts.at(-1) ?? null, lastSeq: last.seq },
      attempts,
      hasEarlier: now.hasEarlier || attempts.length < all.length,
      events: [...now.events, ...news.map(small)].slice(-MOST_EVENTS),
      lastSeq: last.seq,
    })
    if (news.some(makesAnotherView)) this.#later(AGAIN_MS, () => void this.#ask())
  }
  #takeStage(stage: Stage): void {
    if (this.#now !== null) this.#become({ view: { ...this.#now.view, stage } })
  }

  /** Attempts at the latest rounds: what a long run leaves behind is asked for when somebody looks at it. */
  #kept(attempts: readonly Attempt[]): readonly Attempt[] {
    const last = attempts.at(-1)
    if (last === undefined) return attempts
    const from = attempts.findIndex(({ round }) => round > last.round - this.#mostRounds)
    return from <= 0 ? attempts : attempts.slice(from)
  }

  /** What only the coordinator can say of the rounds that closed. */
  async #ask(): Promise<void> {
    const { signal } = this.#turn
    this.#options.onGrown()
    try {
      const view = await this.#view(signal)
      const now = this.#now
      if (signal.aborted || now === null) return
      // What happened since it was written is in the events that were told.
      const since = now.events.filter(({ seq }) => seq > view.lastSeq)
      const { stage, latest, lastSeq } = now.view
      this.#viewSeq = Math.max(this.#viewSeq, view.lastSeq)
      const line = since.reduce(lineAfter, view.line)
      this.#become({ view: { ...view, line, stage, latest, lastSeq } })
    } catch (error) {
      // It is asked for again with the next event; and whatever ended the session shows by itself.
      if (!signal.aborted) this.#problem = problemOf(error)
    }
  }

  /** Once, however often it is called meanwhile. */
  #later(ms: number, then: () => void): void {
    this.#lookAgain ??= setTimeout(() => {
      this.#lookAgain = null
      then()
    }, ms)
  }
  #view(signal: AbortSignal): Promise<RunView> {
    const { api, runId } = this.#options
    return api.call('GET /api/runs/:id/view', { params: { id: runId }, signal })
  }
  #timeline(before?: number) {
    const { api, runId } = this.#options
    const query = { before, rounds: FIRST_ROUNDS }
    return api.call('GET /api/runs/:id/timeline', { params: { id: runId }, query })
  }
  #become(change: Partial<RunNow>): void {
    if (this.#now === null) return
    this.#now = { ...this.#now, ...change }
    this.#tell()
  }
  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}
