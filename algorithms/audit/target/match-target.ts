import { FederationError } from '#protocol/errors.js'
import { observeRecords, type ObservedUpdate, type TargetSpec } from './observed-update.js'

export type { Approximation } from './auditable.js'
export type {
  LabelInference,
  ObservedSettings,
  TargetSpec,
  UpdateEvidence,
} from './observed-update.js'

declare const fromRecords: unique symbol

/**
 * What an observer of one client sees. Only `makeTarget` makes one, from records and the client's own code: there is no way
 * from a stored or received update to it (gifd specification §1). In types by a key that nobody else can name, at run time by
 * a set that nobody else can reach.
 */
export interface MatchTarget extends ObservedUpdate {
  readonly [fromRecords]: true
}

const made = new WeakSet<object>()

/**
 * Trains on the records as a client of the run does, and keeps what an observer of its update sees. Throws
 * `audit/no-consent` for records without a reason, `audit/not-auditable` with every reason for settings that cannot be
 * simulated, `audit/data-mismatch` for records of another shape. The caller disposes the target.
 */
export async function makeTarget(spec: TargetSpec): Promise<MatchTarget> {
  const target = Object.freeze(await observeRecords(spec)) as MatchTarget
  made.add(target)
  return target
}

/** Throws `audit/not-from-records` for anything that `makeTarget` did not make, copies of targets included. */
export function assertFromRecords(target: MatchTarget): void {
  if (made.has(target)) return
  throw new FederationError(
    'audit/not-from-records',
    'This target was not made from records, and attacks are tried on nothing else',
  )
}
