import type { TokenKind } from '#coordinator/auth/tokens.js'
import { tellKnownEntries, tellLog } from './audit.js'
import { receiveBlob, sendBlob } from './blobs.js'
import type { Handler } from './call.js'
import { enrolNode, giveChallenge, giveToken, signIn, takeNewKey } from './entrance.js'
import { inviteNode, listNodes, revokeNode } from './nodes.js'
import { tellHealth, tellMetrics, tellReadiness } from './operations.js'
import {
  listRuns,
  resumeRun,
  sendModel,
  sendStart,
  showRun,
  startRun,
  stopRun,
  tellConfigSchema,
  tellEvents,
  tellStatus,
} from './runs.js'

export interface Route {
  readonly method: 'get' | 'post' | 'put'
  readonly path: string
  /**
   * Whose token opens it. 'guesser': anyone, but failures are counted and limited. 'monitor': who is on this machine, or has
   * the monitoring token.
   */
  readonly audience: Exclude<TokenKind, 'session'> | 'anyone' | 'guesser' | 'monitor'
  readonly handler: Handler
}

const route = (
  [method, path]: readonly [Route['method'], string],
  audience: Route['audience'],
  handler: Handler,
): Route => ({ method, path, audience, handler })

/** The whole API, and who may call what: nothing is served that is not in this table. */
export const ROUTES: readonly Route[] = [
  route(['get', '/healthz'], 'anyone', tellHealth),
  route(['get', '/readyz'], 'anyone', tellReadiness),
  route(['get', '/metrics'], 'monitor', tellMetrics),
  route(['get', '/api/status'], 'anyone', tellStatus),
  route(['post', '/api/enrol'], 'guesser', enrolNode),
  route(['post', '/api/challenge'], 'anyone', giveChallenge),
  route(['post', '/api/token'], 'guesser', giveToken),
  route(['post', '/api/node-key'], 'guesser', takeNewKey),
  route(['post', '/api/sign-in'], 'guesser', signIn),
  route(['get', '/api/schema/run-config'], 'people', tellConfigSchema),
  route(['post', '/api/runs'], 'people', startRun),
  route(['get', '/api/runs'], 'people', listRuns),
  route(['get', '/api/runs/:id'], 'people', showRun),
  route(['get', '/api/runs/:id/events'], 'people', tellEvents),
  route(['post', '/api/runs/:id/stop'], 'people', stopRun),
  route(['post', '/api/runs/:id/resume'], 'people', resumeRun),
  route(['get', '/api/runs/:id/model'], 'people', sendModel),
  route(['get', '/api/runs/:id/start'], 'people', sendStart),
  route(['put', '/api/blobs/:hash'], 'people', receiveBlob),
  route(['post', '/api/nodes/invite'], 'people', inviteNode),
  route(['get', '/api/nodes'], 'people', listNodes),
  route(['post', '/api/nodes/:id/revoke'], 'people', revokeNode),
  route(['get', '/api/log'], 'people', tellLog),
  route(['get', '/api/log/known'], 'people', tellKnownEntries),
  route(['get', '/api/blobs/:hash'], 'fl-client', sendBlob),
]
