import type { RunId } from '#protocol/ids.js'
import { LISTS, type ListName, type UiMessage } from '#protocol/ui-messages.js'
import type { LiveParts, PageLink } from './live.js'
import { RunWatch } from './run-watch.js'

type Wanted = UiMessage<'ui:watch'>

/** All that one page watches. */
export class PageWatch {
  readonly #parts: LiveParts
  readonly #link: PageLink
  readonly #runs = new Map<RunId, RunWatch>()
  #lists: ReadonlySet<ListName> = new Set()
  /** Lists that have changed since the page was told last. */
  readonly #changed = new Set<ListName>()
  #isTelling = false
  #isOver = false
  #latest: Promise<unknown> = Promise.resolve()
  readonly #forget: readonly (() => void)[]

  constructor(parts: LiveParts, link: PageLink) {
    this.#parts = parts
    this.#link = link
    this.#forget = LISTS.map((list) => parts.news.onList(list, () => this.#listChanged(list)))
  }

  /** From now on it watches this and nothing else, once what it asked for before is done. Returns the runs that it cannot watch. */
  watch(wanted: Wanted): Promise<readonly RunId[]> {
    const next = this.#latest.then(() => this.#turnTo(wanted))
    // What the store threw is told to the page; the next message is another try.
    this.#latest = next.catch(() => undefined)
    return next
  }

  end(): void {
    this.#isOver = true
    for (const forget of this.#forget) forget()
    for (const run of this.#runs.values()) run.end()
    this.#runs.clear()
  }

  async #turnTo({ lists, runs }: Wanted): Promise<readonly RunId[]> {
    const lost = new Set<RunId>()
    for (const { runId, after } of runs) if (!(await this.#hasSuch(runId, after))) lost.add(runId)
    if (this.#isOver) return []
    this.#lists = new Set(lists)
    const wanted = runs.filter(({ runId }) => !lost.has(runId))
    const kept = new Set(wanted.filter((one) => this.#runs.get(one.runId)?.continues(one.after)))
    const keptIds = new Set([...kept].map(({ runId }) => runId))
    for (const [runId, watch] of this.#runs) {
      if (keptIds.has(runId)) continue
      watch.end()
      this.#runs.delete(runId)
    }
    for (const one of wanted) if (!kept.has(one)) this.#begin(one)
    return [...lost]
  }

  /** Events that the page has seen must be there: else they were of another past, as before a backup was taken back. */
  async #hasSuch(runId: RunId, after: number): Promise<boolean> {
    const { store } = this.#parts
    if ((await store.run(runId)) === null) return false
    return after === 0 || (await store.events(runId, after - 1, 1)).length > 0
  }

  #begin(from: Wanted['runs'][number]): void {
    const watch = new RunWatch(this.#parts, this.#link, from)
    this.#runs.set(from.runId, watch)
    watch.run().catch((error: unknown) => this.#fail(error))
  }

  #listChanged(list: ListName): void {
    if (!this.#lists.has(list)) return
    this.#changed.add(list)
    if (this.#isTelling) return
    this.#isTelling = true
    this.#tellLists().catch((error: unknown) => this.#fail(error))
  }

  /** Until none has changed meanwhile. */
  async #tellLists(): Promise<void> {
    try {
      for (const list of this.#changed) {
        this.#changed.delete(list)
        if (this.#lists.has(list)) await this.#link.send('ui:changed', { list })
      }
    } finally {
      this.#isTelling = false
    }
  }

  /** The page comes back, and says what it watches. */
  #fail(error: unknown): void {
    if (!this.#isOver) this.#link.drop(error)
  }
}
