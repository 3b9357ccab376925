import type { UiMessage, UiName } from '#protocol/ui-messages.js'
import type { Clock } from '#coordinator/clock.js'
import type { EventFeed } from '#coordinator/http/event-feed.js'
import type { Store } from '#coordinator/store/store.js'
import type { News } from './news.js'
import { PageWatch } from './page-watch.js'

export interface LiveParts {
  readonly store: Pick<Store, 'run' | 'head' | 'events' | 'blobs'>
  readonly feed: EventFeed
  readonly news: News
  readonly clock: Clock
}

/** The way to one page. */
export interface PageLink {
  /** Resolves when the page has acknowledged; rejects when it is gone. */
  send<Name extends Exclude<UiName, 'ui:watch'>>(
    name: Name,
    message: UiMessage<Name>,
  ): Promise<void>
  /** Ends the connection because of an error. */
  drop(error: unknown): void
}

/** What pages watch, as it happens. */
export class Live {
  readonly news: News
  readonly #parts: LiveParts

  constructor(parts: LiveParts) {
    this.#parts = parts
    this.news = parts.news
  }

  open(link: PageLink): PageWatch {
    return new PageWatch(this.#parts, link)
  }
}
