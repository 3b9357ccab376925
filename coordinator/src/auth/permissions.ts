import { FederationError } from '#protocol/errors.js'
import { includesRole, type Role } from '#protocol/roles.js'
import type { Claims, TokenKind } from './tokens.js'

/**
 * Who may do something. `anyone`: nothing can be learnt or changed by it. `guesser`: anyone, because a secret is presented;
 * failures are counted and limited. `monitor`: who is on this machine, or has the monitoring token. `node`: an enrolled node.
 * A role: a person who has it or a higher one.
 */
export type Need = 'anyone' | 'guesser' | 'monitor' | 'node' | Role
export interface Permission {
  readonly need: Need
  /** Only within a quarter of an hour after signing in: who finds an open screen must not be able to let others in. */
  readonly isFresh: boolean
}

const rows = (need: Need, ...names: readonly string[]): readonly [string, Permission][] =>
  names.map((name) => [name, { need, isFresh: false }])
const fresh = (...names: readonly string[]): readonly [string, Permission][] =>
  names.map((name) => [name, { need: 'administrator', isFresh: true }])

/**
 * The one place that says who may do what: HTTP calls by method and path, messages of sockets by namespace and name, and
 * namespaces themselves. What is not here nobody may do: reliability specification §2.
 */
export const PERMISSIONS: ReadonlyMap<string, Permission> = new Map([
  ...rows('anyone', 'GET /', 'GET /healthz', 'GET /readyz', 'GET /api/status'),
  ...rows('monitor', 'GET /metrics'),
  // A challenge is made without looking anything up, and is worth nothing without the key.
  ...rows('anyone', 'POST /api/challenge'),
  ...rows('guesser', 'POST /api/enrol', 'POST /api/token', 'POST /api/node-key'),
  ...rows('guesser', 'POST /api/sign-in', 'POST /api/renew'),
  ...rows('node', 'GET /api/blobs/:hash'),
  ...rows('node', '/fl', '/fl node:hello', '/fl node:progress', '/fl fate:ask', '/fl task:failed'),
  ...rows('node', '/fl update:begin', '/fl update:chunk', '/fl update:finish'),
  ...rows('viewer', '/ui', '/ui ui:watch'),
  ...rows('viewer', 'GET /api/session', 'POST /api/sign-out', 'POST /api/password'),
  ...rows('viewer', 'GET /api/runs', 'GET /api/runs/:id', 'GET /api/runs/:id/events'),
  ...rows('viewer', 'GET /api/runs/:id/view', 'GET /api/runs/:id/curves'),
  ...rows('viewer', 'GET /api/runs/:id/member-curves', 'GET /api/runs/:id/rounds/:round'),
  ...rows('viewer', 'GET /api/runs/:id/timeline', 'GET /api/runs/:id/keys', 'GET /api/audits'),
  ...rows('viewer', 'GET /api/nodes', 'GET /api/schema/run-config'),
  ...rows('viewer', 'GET /api/schema/audit-report', 'GET /api/runs/:id/audit'),
  ...rows('researcher', 'POST /api/runs', 'POST /api/runs/:id/stop', 'POST /api/runs/:id/resume'),
  ...rows('researcher', 'GET /api/runs/:id/model', 'GET /api/runs/:id/start'),
  ...rows('researcher', 'PUT /api/blobs/:hash'),
  ...rows('administrator', 'POST /api/nodes/invite', 'POST /api/nodes/:id/revoke'),
  ...rows('administrator', 'GET /api/operations'),
  ...rows('administrator', 'GET /api/users', 'GET /api/log', 'GET /api/log/known'),
  ...fresh('POST /api/users', 'POST /api/users/:id/code'),
  ...fresh('POST /api/users/:id/role', 'POST /api/users/:id/revoke'),
  ...fresh('POST /api/runs/:id/audit-override'),
])

/** Throws `internal/bug` for what is not in the table: such a thing is not served. */
export function permissionOf(name: string): Permission {
  const permission = PERMISSIONS.get(name)
  if (permission !== undefined) return permission
  throw new FederationError('internal/bug', `Nothing says who may do ${name}`)
}

/** Which kind of token opens it; null: none is asked for. */
export function tokenFor(need: Need): Exclude<TokenKind, 'session'> | null {
  if (need === 'anyone' || need === 'guesser' || need === 'monitor') return null
  return need === 'node' ? 'fl-client' : 'people'
}

/** How long after signing in a person counts as just having shown who they are. */
export const FRESH_SECONDS = 15 * 60

/**
 * Throws `auth/forbidden` or `auth/sign-in-again` unless whoever was let in may do this. `who` says what the store says, since
 * the gate compared the two.
 */
export function assertMay(
  who: Claims,
  name: string,
  nowSeconds: () => number = () => Date.now() / 1000,
): void {
  const { need, isFresh } = permissionOf(name)
  const mayDo = need === 'node' || who.role === 'node' ? need === who.role : hasRole(who.role, need)
  if (!mayDo) {
    const message =
      who.role === 'node' || need === 'node'
        ? `${need === 'node' ? 'Nodes' : 'People'} alone may do this`
        : `This needs the role ${need}; ${who.subject} has the role ${who.role}`
    throw new FederationError('auth/forbidden', message)
  }
  if (isFresh && nowSeconds() - who.signedInAt > FRESH_SECONDS) {
    const message = `This needs a sign-in of the last ${FRESH_SECONDS / 60} minutes`
    throw new FederationError('auth/sign-in-again', message)
  }
}
const hasRole = (role: Role, need: Need): boolean =>
  need === 'anyone' ||
  need === 'guesser' ||
  (need !== 'monitor' && need !== 'node' && includesRole(role, need))
