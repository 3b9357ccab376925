import { overrideAudit, tellAudit, tellReportSchema } from './audit-gate.js'
import { tellKnownEntries, tellLog } from './audit.js'
import { receiveBlob, sendBlob } from './blobs.js'
import type { Handler } from './call.js'
import { enrolNode, giveChallenge, giveToken, takeNewKey } from './entrance.js'
import { inviteNode, listNodes, revokeNode } from './nodes.js'
import { tellHealth, tellMetrics, tellOperations, tellReadiness } from './operations.js'
import {
  resumeRun,
  sendModel,
  sendStart,
  startRun,
  stopRun,
  tellConfigSchema,
  tellEvents,
  tellStatus,
} from './runs.js'
import { changePassword, renew, signIn, signOut, tellSession } from './session.js'
import {
  listAudits,
  listRuns,
  showRound,
  showRun,
  showView,
  tellCurves,
  tellKeys,
  tellMemberCurves,
  tellTimeline,
} from './views.js'
import { addUser, changeUserRole, giveUserCode, listUsers, revokeUser } from './users.js'

export interface Route {
  readonly method: 'get' | 'post' | 'put'
  readonly path: string
  readonly handler: Handler
}

const route = ([method, path]: readonly [Route['method'], string], handler: Handler): Route => ({
  method,
  path,
  handler,
})

/** As `PERMISSIONS` calls it. */
export const nameOf = ({ method, path }: Pick<Route, 'method' | 'path'>): string =>
  `${method.toUpperCase()} ${path}`

/** The whole API. Who may call what says the table of permissions: what is not in it is not served. */
export const ROUTES: readonly Route[] = [
  route(['get', '/healthz'], tellHealth),
  route(['get', '/readyz'], tellReadiness),
  route(['get', '/metrics'], tellMetrics),
  route(['get', '/api/status'], tellStatus),
  route(['post', '/api/enrol'], enrolNode),
  route(['post', '/api/challenge'], giveChallenge),
  route(['post', '/api/token'], giveToken),
  route(['post', '/api/node-key'], takeNewKey),
  route(['post', '/api/sign-in'], signIn),
  route(['post', '/api/renew'], renew),
  route(['get', '/api/session'], tellSession),
  route(['post', '/api/sign-out'], signOut),
  route(['post', '/api/password'], changePassword),
  route(['get', '/api/users'], listUsers),
  route(['post', '/api/users'], addUser),
  route(['post', '/api/users/:id/code'], giveUserCode),
  route(['post', '/api/users/:id/role'], changeUserRole),
  route(['post', '/api/users/:id/revoke'], revokeUser),
  route(['get', '/api/schema/run-config'], tellConfigSchema),
  route(['get', '/api/schema/audit-report'], tellReportSchema),
  route(['post', '/api/runs'], startRun),
  route(['get', '/api/runs'], listRuns),
  route(['get', '/api/runs/:id'], showRun),
  route(['get', '/api/runs/:id/events'], tellEvents),
  route(['post', '/api/runs/:id/stop'], stopRun),
  route(['post', '/api/runs/:id/resume'], resumeRun),
  route(['get', '/api/runs/:id/audit'], tellAudit),
  route(['post', '/api/runs/:id/audit-override'], overrideAudit),
  route(['get', '/api/runs/:id/view'], showView),
  route(['get', '/api/runs/:id/curves'], tellCurves),
  route(['get', '/api/runs/:id/member-curves'], tellMemberCurves),
  route(['get', '/api/runs/:id/rounds/:round'], showRound),
  route(['get', '/api/runs/:id/timeline'], tellTimeline),
  route(['get', '/api/runs/:id/keys'], tellKeys),
  route(['get', '/api/audits'], listAudits),
  route(['get', '/api/operations'], tellOperations),
  route(['get', '/api/runs/:id/model'], sendModel),
  route(['get', '/api/runs/:id/start'], sendStart),
  route(['put', '/api/blobs/:hash'], receiveBlob),
  route(['post', '/api/nodes/invite'], inviteNode),
  route(['get', '/api/nodes'], listNodes),
  route(['post', '/api/nodes/:id/revoke'], revokeNode),
  route(['get', '/api/log'], tellLog),
  route(['get', '/api/log/known'], tellKnownEntries),
  route(['get', '/api/blobs/:hash'], sendBlob),
]
