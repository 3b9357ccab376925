import type { RunId } from '#protocol/ids.js'
import type { Eyes } from '#coordinator/views/privacy.js'
import { eyesOnRun } from '#coordinator/views/run-eyes.js'
import { inBatches, thinned } from './batches.js'
import type { LiveParts, PageLink } from './live.js'
import { stageOf } from './stage.js'

/** Looked again by then, whatever happens. */
const WAIT_SECONDS = 60
/** Between one message and the next: what happens meanwhile travels together. */
const BEAT_MS = 100

/**
 * Tells one page what happens in one run: its events after the one that the page has seen, in order, and where the run is.
 * Nothing is sent before the page has acknowledged what was sent before.
 */
export class RunWatch {
  readonly #parts: LiveParts
  readonly #link: PageLink
  readonly #runId: RunId
  /** Numbers of the latest event that was sent, and of the latest that is acknowledged. */
  #sent: number
  #acknowledged: number
  /** What the page was told last of where the run is. */
  #stage = ''
  #mayHaveMoved = true
  #turn = new AbortController()
  #isOver = false
  readonly #forget: () => void

  constructor(parts: LiveParts, link: PageLink, from: { runId: RunId; after: number }) {
    this.#parts = parts
    this.#link = link
    this.#runId = from.runId
    this.#sent = from.after
    this.#acknowledged = from.after
    this.#forget = parts.news.onHead(from.runId, () => {
      this.#mayHaveMoved = true
      this.#turn.abort()
    })
  }

  /** Whether a page that has seen events up to `after` hears from here what follows, what is on its way included. */
  continues(after: number): boolean {
    return this.#acknowledged <= after && after <= this.#sent
  }

  /** Tells until it is ended. Rejects with what the store throws, and when the page does not acknowledge. */
  async run(): Promise<void> {
    const eyes = await eyesOnRun(this.#parts.store, this.#runId)
    while (!this.#isDone) {
      // Before anything is looked at: what moves from here on ends this turn.
      this.#turn = new AbortController()
      if (this.#mayHaveMoved) await this.#tellStage()
      if ((await this.#tellEvents(eyes)) > 0) await this.#pause()
    }
  }

  end(): void {
    this.#isOver = true
    this.#forget()
    this.#turn.abort()
  }

  /** A feed that was closed makes nobody wait any more. */
  get #isDone(): boolean {
    return this.#isOver || this.#parts.feed.isClosed
  }

  async #tellStage(): Promise<void> {
    this.#mayHaveMoved = false
    const stage = await stageOf(this.#parts.store, this.#runId)
    const text = JSON.stringify(stage)
    if (stage === null || text === this.#stage || this.#isDone) return
    this.#stage = text
    await this.#link.send('ui:stage', { runId: this.#runId, ...stage })
  }

  async #tellEvents(eyes: Eyes): Promise<number> {
    const { signal } = this.#turn
    const waiting = { waitSeconds: this.#isDone ? 0 : WAIT_SECONDS, signal }
    const events = await this.#parts.feed.after(this.#runId, this.#sent, waiting)
    for (const batch of inBatches(events.map((event) => thinned(eyes.event(event))))) {
      if (this.#isDone) break
      this.#sent = batch.at(-1)?.seq ?? this.#sent
      await this.#link.send('ui:events', { runId: this.#runId, events: [...batch] })
      this.#acknowledged = this.#sent
    }
    return events.length
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => this.#parts.clock.after(BEAT_MS, resolve))
  }
}
