import type { Clock } from '#coordinator/clock.js'
import { EventFeed } from '#coordinator/http/event-feed.js'
import { Live } from '#coordinator/live/live.js'
import { News, tellingStore } from '#coordinator/live/news.js'
import type { Store } from '#coordinator/store/store.js'

/** What pages watch of a store; what is written through the store that comes back is news. */
export function liveOn(
  plain: Store,
  clock: Clock,
): { readonly live: Live; readonly store: Store; readonly feed: EventFeed; readonly news: News } {
  const news = new News(clock)
  const store = tellingStore(plain, news)
  const feed = new EventFeed(store, clock)
  const live = new Live({ store, feed, news, clock })
  return { live, store, feed, news }
}
