import { z } from 'zod'
import { dataCardSchema } from '#protocol/data-card.js'
import { ROLES } from '#protocol/roles.js'
import {
  attempt,
  count,
  engine,
  hash,
  metrics,
  nodeId,
  round,
  runId,
  slot,
  weight,
} from '#protocol/wire.js'
import type { RawKind } from './raw-rows.js'

/** Keys that a later version of the program adds are no damage, so these say what must be there and nothing more. */
const head = z.looseObject({
  epoch: count,
  round,
  attempt,
  state: z.enum(['PLANNED', 'COLLECTING', 'FROZEN', 'DONE', 'STOPPED', 'FAILED']),
  stateHash: hash,
  modelHash: hash,
  recordHash: hash.nullable(),
  openingHash: hash.nullable(),
  personalHash: hash.nullable(),
  reason: z.string().nullable(),
  failures: count,
  auditHead: hash.nullable(),
  gateHash: hash.exactOptional(),
})
const run = z.looseObject({
  runId,
  name: z.string().min(1),
  kind: z.enum(['deployed', 'simulated', 'replay']),
  createdAt: z.string(),
  engine,
  config: z.looseObject({ name: z.string(), startFrom: hash.nullable() }),
  configHash: hash,
})
const accepted = z.looseObject({
  ...{ runId, round, attempt, slot, updateId: hash },
  update: z.looseObject({ slot, updateId: hash, sha256: hash, weight, metrics, blob: hash }),
})
const member = z.looseObject({
  ...{ runId, slot },
  member: z.looseObject({
    slot,
    nodeId: nodeId.nullable(),
    name: z.string(),
    card: dataCardSchema,
    engine,
  }),
})

/** What a row of each kind must look like. */
export const ROW_SCHEMAS = {
  run,
  head: z.looseObject({ runId, head }),
  accepted,
  member,
  event: z.looseObject({
    runId,
    seq: z.int().min(1),
    at: z.string(),
    type: z.string().min(1),
    data: z.looseObject({}),
  }),
  node: z.looseObject({
    nodeId,
    name: z.string(),
    publicKey: z.string(),
    enrolledAt: z.string(),
    revokedAt: z.string().nullable(),
  }),
  user: z.looseObject({
    name: z.string().min(1),
    role: z.enum(ROLES),
    passwordHash: z.string().nullable(),
    tokenVersion: count,
    createdAt: z.string(),
    revokedAt: z.string().nullable(),
  }),
  code: z.looseObject({
    codeHash: hash,
    purpose: z.enum(['enrol-node', 'sign-in']),
    subject: z.string().nullable(),
    expiresAt: z.string(),
    usedAt: z.string().nullable(),
  }),
} as const satisfies Readonly<Record<RawKind, z.ZodType>>
