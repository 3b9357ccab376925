import type { Request, Response } from 'express'
import type { Claims, Tokens } from '#coordinator/auth/tokens.js'
import type { Clock } from '#coordinator/clock.js'
import type { SocketFleet } from '#coordinator/fleet/socket-fleet.js'
import type { RunManager } from '#coordinator/run.js'
import type { Store } from '#coordinator/store/store.js'
import type { BlobUploads } from './blob-uploads.js'
import type { EventFeed } from './event-feed.js'

/** What handlers work with. */
export interface ApiParts {
  readonly store: Store
  readonly runs: RunManager
  readonly fleet: SocketFleet
  readonly tokens: Tokens
  readonly feed: EventFeed
  readonly uploads: BlobUploads
  readonly clock: Clock
}
/** One request, after its route's checks. */
export interface Call {
  readonly parts: ApiParts
  /** Null on routes for anyone. */
  readonly who: Claims | null
  readonly params: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, unknown>>
  /** The JSON value of a POST, the bytes of a PUT. */
  readonly body: unknown
  readonly request: Request
  readonly response: Response
}
/** Returns the JSON of the answer, or 'sent' when it has answered by itself. */
export type Handler = (call: Call) => Promise<object | 'sent'>
