/** Bodies of the coordinator's HTTP API, by method and path. docs/protocol.md says who may call what. */
import { z } from 'zod'
import { AUDIT_LEVELS } from './audit-level.js'
import { signedReportSchema } from './audit-report.js'
import { parseWith } from './parse-with.js'
import { isPublicKey, PROOF_PURPOSES } from './public-key.js'
import { roundRecordSchema, runRecordSchema } from './record.js'
import type { Result } from './result.js'
import { ROLES } from './roles.js'
import { auditState, memberCurvesSchema, runLineSchema, runViewSchema } from './run-views.js'
import {
  auditLineSchema,
  curvesSchema,
  keysSchema,
  nodeLineSchema,
  operationsSchema,
  timelineSchema,
} from './server-views.js'
import { eventSchema } from './ui-messages.js'
import { hash, nodeId, problem, runId, time } from './wire.js'

const nodeName = z.string().min(1).max(100)
/** Of Ed25519: SPKI DER in base64url. */
const publicKey = z.string().refine(isPublicKey, 'expected an Ed25519 public key')
const signature = z.string().regex(/^[\w-]{86}$/, 'expected a signature: 64 bytes in base64url')
const token = z.string().min(1).max(4000)
const challenge = token
/** A one-time code as people type it. */
const code = z.string().min(1).max(100)
const nothing = z.strictObject({})
/** Of people: lower case, so that no two look alike. */
const userName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._@+-]{0,63}$/, 'expected up to 64 of a–z, 0–9 and . _ @ + -')
const password = z.string().min(1).max(200)
const role = z.enum(ROLES)
/** Programs keep a token, browsers a cookie that no script can read. */
const keep = z.enum(['token', 'cookie']).default('token')
const userView = z.strictObject({
  name: userName,
  role,
  hasPassword: z.boolean(),
  createdAt: time,
  revokedAt: time.nullable(),
})
/** Most bytes of an upload that one call takes: little enough for any connection to bring within a call's time. */
export const BLOB_PIECE_BYTES = 4 * 2 ** 20

/** What is known of the privacy audit of a run. */
const auditView = z.strictObject({
  /** none: it has no audit. under-way: it waits for its report. overridden: an administrator let it start all the same. */
  state: auditState,
  /** The highest verdict with which it starts; null: any. */
  threshold: z.enum(AUDIT_LEVELS).nullable(),
  verdict: z.enum(AUDIT_LEVELS).nullable(),
  /** From which row and rule of the report the verdict comes. */
  because: z.string().nullable(),
  /** Why the report proves nothing, sentences without a full stop; empty: it is sound, or there is none yet. */
  obstacles: z.array(z.string()),
  /** audited: by this coordinator. attached: by an operator, with a key that this coordinator trusts. */
  source: z.enum(['audited', 'attached']).nullable(),
  decidedAt: time.nullable(),
  override: z.strictObject({ by: z.string(), reason: z.string(), at: time }).nullable(),
  /** Only while this coordinator audits; seconds are an estimate, null before there is one. */
  progress: z
    .strictObject({
      done: z.int().min(0),
      total: z.int().min(0),
      secondsLeft: z.number().min(0).nullable(),
    })
    .nullable(),
  report: signedReportSchema.nullable(),
})

export const HTTP_API = {
  'POST /api/enrol': {
    body: z.strictObject({ code, name: nodeName, publicKey, proof: signature }),
    answer: z.strictObject({ nodeId }),
  },
  'POST /api/challenge': {
    body: z.strictObject({ nodeId, purpose: z.enum(PROOF_PURPOSES) }),
    answer: z.strictObject({ challenge, expiresInSeconds: z.int().min(1) }),
  },
  'POST /api/node-key': {
    body: z.strictObject({
      ...{ nodeId, challenge, publicKey, proof: signature },
      /** What gives the right: the key so far, or the secret that an older version gave the node. */
      by: z.union([
        z.strictObject({ signature }),
        z.strictObject({ secret: z.string().min(1).max(200) }),
      ]),
    }),
    answer: nothing,
  },
  'POST /api/token': {
    body: z.strictObject({ nodeId, challenge, signature }),
    answer: z.strictObject({ token, expiresInSeconds: z.int().min(1) }),
  },
  'POST /api/sign-in': {
    body: z.union([
      /** With the password that the person chooses; without one they come in this once. */
      z.strictObject({ code, password: password.optional(), keep }),
      z.strictObject({ name: userName, password, keep }),
    ]),
    answer: z.strictObject({
      ...{ name: userName, role },
      /** Exchanged for access tokens for as long as the session lasts. Null with `keep: "cookie"`, and so is `token`. */
      session: token.nullable(),
      token: token.nullable(),
      /** To be sent along with what changes something. Null with `keep: "token"`. */
      csrfToken: z.string().nullable(),
      endsAt: time,
    }),
  },
  'POST /api/renew': {
    body: z.strictObject({ session: token }),
    answer: z.strictObject({ token, expiresInSeconds: z.int().min(1) }),
  },
  'GET /api/session': {
    body: nothing,
    answer: z.strictObject({ name: userName, role, csrfToken: z.string().nullable() }),
  },
  'POST /api/sign-out': { body: nothing, answer: nothing },
  'POST /api/password': {
    body: z.strictObject({ password, newPassword: password }),
    answer: nothing,
  },
  'GET /api/users': { body: nothing, answer: z.strictObject({ users: z.array(userView) }) },
  'POST /api/users': {
    body: z.strictObject({ name: userName, role }),
    answer: z.strictObject({ name: userName, code, expiresAt: time }),
  },
  'POST /api/users/:id/code': {
    body: nothing,
    answer: z.strictObject({ name: userName, code, expiresAt: time }),
  },
  'POST /api/users/:id/role': { body: z.strictObject({ role }), answer: nothing },
  'POST /api/users/:id/revoke': { body: nothing, answer: nothing },
  'GET /api/status': {
    body: nothing,
    answer: z.strictObject({
      version: z.string(),
      nodesOnline: z.int().min(0),
      runs: z.int().min(0),
      /** With which it signs reports of privacy audits. */
      auditKey: publicKey,
    }),
  },
  'GET /api/schema/run-config': { body: nothing, answer: z.record(z.string(), z.json()) },
  'GET /api/schema/audit-report': { body: nothing, answer: z.record(z.string(), z.json()) },
  'POST /api/runs': {
    /** `parseRunConfig` judges it: its message names every problem. */
    body: z.strictObject({
      config: z.record(z.string(), z.json()),
      /** A signed report of an audit of the same settings, uploaded as a blob: the run is not audited again. */
      auditReport: hash.exactOptional(),
    }),
    answer: z.strictObject({ runId }),
  },
  'GET /api/runs': { body: nothing, answer: z.strictObject({ runs: z.array(runLineSchema) }) },
  'GET /api/runs/:id': { body: nothing, answer: runRecordSchema },
  'GET /api/runs/:id/events': {
    body: nothing,
    answer: z.strictObject({ events: z.array(eventSchema) }),
  },
  'GET /api/runs/:id/view': { body: nothing, answer: runViewSchema },
  'GET /api/runs/:id/curves': { body: nothing, answer: curvesSchema },
  'GET /api/runs/:id/member-curves': { body: nothing, answer: memberCurvesSchema },
  'GET /api/runs/:id/rounds/:round': { body: nothing, answer: roundRecordSchema },
  'GET /api/runs/:id/timeline': { body: nothing, answer: timelineSchema },
  'GET /api/runs/:id/keys': { body: nothing, answer: keysSchema },
  'GET /api/audits': {
    body: nothing,
    answer: z.strictObject({ audits: z.array(auditLineSchema) }),
  },
  'GET /api/operations': { body: nothing, answer: operationsSchema },
  'PUT /api/blobs/:hash': {
    /** A piece of the bytes themselves; the header `content-range` says which. */
    body: z.instanceof(Uint8Array),
    /** Bytes that are there from the first on: where the next piece begins. All of them: the blob is stored. */
    answer: z.strictObject({ received: z.int().min(0) }),
  },
  'POST /api/runs/:id/stop': { body: nothing, answer: nothing },
  'POST /api/runs/:id/resume': { body: nothing, answer: nothing },
  'GET /api/runs/:id/audit': { body: nothing, answer: auditView },
  'POST /api/runs/:id/audit-override': {
    /** For the audit log, which keeps no more of it. */
    body: z.strictObject({ reason: z.string().trim().min(1).max(200) }),
    answer: nothing,
  },
  'POST /api/nodes/invite': {
    body: z.strictObject({ minutes: z.int().min(1).max(10_080).default(60) }),
    answer: z.strictObject({
      ...{ code, expiresAt: time },
      /** SHA-256 of the certificate that the coordinator shows, `AA:BB:…`; null: it shows none of its own. */
      fingerprint: z.string().max(200).nullable(),
    }),
  },
  'GET /api/nodes': { body: nothing, answer: z.strictObject({ nodes: z.array(nodeLineSchema) }) },
  'POST /api/nodes/:id/revoke': { body: nothing, answer: nothing },
  'GET /api/log': {
    body: nothing,
    /** Up to a page; unchecked, because who asks wants to find out whether they were tampered with. Null: unreadable. */
    answer: z.strictObject({ entries: z.array(z.record(z.string(), z.json()).nullable()) }),
  },
  'GET /api/log/known': {
    body: nothing,
    /** Entries that must be in the log, and who knows of them. */
    answer: z.strictObject({ known: z.array(z.strictObject({ hash, knownBy: z.string() })) }),
  },
} as const
export type HttpCall = keyof typeof HTTP_API
export type HttpBody<Call extends HttpCall> = z.output<(typeof HTTP_API)[Call]['body']>
export type HttpAnswer<Call extends HttpCall> = z.output<(typeof HTTP_API)[Call]['answer']>

/** The body of a call; `message/malformed` naming the first problem. Never throws. */
export const parseBody = <Call extends HttpCall>(
  call: Call,
  value: unknown,
): Result<HttpBody<Call>> =>
  parseWith(HTTP_API[call].body as unknown as z.ZodType<HttpBody<Call>>, call, value)

/** What a call answered. */
export const parseAnswer = <Call extends HttpCall>(
  call: Call,
  value: unknown,
): Result<HttpAnswer<Call>> =>
  parseWith(
    HTTP_API[call].answer as unknown as z.ZodType<HttpAnswer<Call>>,
    `the answer to ${call}`,
    value,
  )

/** Most events of one answer. */
export const MOST_EVENTS = 500
/** Query of `GET /api/runs/:id/events`: the first `limit` events after number `after`; waits up to `wait` seconds for one. */
export const eventsQuerySchema = z.strictObject({
  after: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(MOST_EVENTS).default(MOST_EVENTS),
  wait: z.coerce.number().min(0).max(60).default(0),
})
/** Query of `GET /api/log`: entries after number `after`. */
export const auditQuerySchema = z.strictObject({
  after: z.coerce.number().int().min(0).default(0),
})
/** What every refused call answers, with the HTTP status of the code. */
export const refusalSchema = z.strictObject({
  problem,
  /** By which the coordinator's log names the request. */
  requestId: z.string().max(100).optional(),
})
