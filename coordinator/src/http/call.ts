import type { Request, Response } from 'express'
import type { Auth } from '#coordinator/auth/auth.js'
import type { Stay } from '#coordinator/auth/presence.js'
import type { Claims } from '#coordinator/auth/tokens.js'
import type { AuditGate } from '#coordinator/audit-gate/audit-gate.js'
import type { AuditLog } from '#coordinator/audit/audit-log.js'
import type { Clock } from '#coordinator/clock.js'
import type { Observer } from '#coordinator/ops/observer.js'
import type { Operations } from '#coordinator/ops/operations.js'
import type { SocketFleet } from '#coordinator/fleet/socket-fleet.js'
import type { RunManager } from '#coordinator/run.js'
import type { Store } from '#coordinator/store/store.js'
import type { Views } from '#coordinator/views/views.js'
import type { BlobUploads } from './blob-uploads.js'
import type { Csrf } from './csrf.js'
import type { EventFeed } from './event-feed.js'

/** What handlers work with. */
export interface ApiParts {
  readonly store: Store
  readonly runs: RunManager
  readonly views: Views
  readonly gate: AuditGate
  readonly fleet: SocketFleet
  readonly auth: Auth
  readonly feed: EventFeed
  readonly uploads: BlobUploads
  readonly clock: Clock
  readonly ops: Operations
  readonly observer: Pick<Observer, 'view'>
  readonly log: AuditLog
  readonly csrf: Csrf
}
/** One request, after its route's checks. */
export interface Call {
  readonly parts: ApiParts
  /** Null on routes for anyone. */
  readonly who: Claims | null
  /** How long the caller may stay; null as `who` is. */
  readonly stay: Stay | null
  readonly params: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, unknown>>
  /** The JSON value of a POST, the bytes of a PUT. */
  readonly body: unknown
  readonly request: Request
  readonly response: Response
}
/** Returns the JSON of the answer, or 'sent' when it has answered by itself. */
export type Handler = (call: Call) => Promise<object | 'sent'>
