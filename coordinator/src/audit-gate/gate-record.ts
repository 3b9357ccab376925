import { isAbove, type AuditLevel } from '#protocol/audit-level.js'
import { FederationError } from '#protocol/errors.js'
import type { Hash } from '#protocol/ids.js'
import type { ReportedEffort } from '#protocol/policy.js'
import type { RunConfig } from '#protocol/run-config.js'

/** An administrator lets a run start in spite of its audit. */
export interface Override {
  /** As the audit log names people. */
  readonly by: string
  readonly reason: string
  readonly at: string
}
/** What a report says of the run. */
export interface GateDecision {
  /** Blob: the signed report. */
  readonly reportHash: Hash
  /** Bytes of that blob: nodes fetch it with their tasks. */
  readonly reportBytes: number
  /** Who signed it. */
  readonly publicKey: string
  /** For a run as it is configured, by the thresholds of this coordinator. */
  readonly verdict: AuditLevel
  /** From which row it comes. */
  readonly because: string
  readonly effort: ReportedEffort
  readonly isSound: boolean
  /** Why it is not, sentences without a full stop. */
  readonly obstacles: readonly string[]
  /** attached: an operator audited the settings elsewhere, with a key that is trusted here. */
  readonly source: 'audited' | 'attached'
  readonly at: string
  readonly override: Override | null
}
/** What the audit of a run has come to so far: a blob that the head names. JSON. */
export interface GateRecord {
  /** Results of the cells that are done, by key: blobs. Empty once there is a decision. */
  readonly cells: Readonly<Record<string, Hash>>
  readonly decision: GateDecision | null
}
export const NOTHING_YET: GateRecord = { cells: {}, decision: null }

/** What people are told when this coordinator has audited a run. */
export const finishedEvent = ({ verdict, isSound, obstacles, because }: GateDecision) => ({
  type: 'audit:finished',
  data: { verdict, isSound, obstacles: [...obstacles], because },
})

/**
 * none: the run asks for no audit and has none. under-way: there is no report yet. passed: rounds may begin. unsound: the
 * report says of itself that it proves nothing.
 */
export type GateState =
  'none' | 'under-way' | 'passed' | 'above-threshold' | 'unsound' | 'overridden'

export function gateStateOf({ audit }: RunConfig, { decision }: GateRecord): GateState {
  if (decision === null) return audit === undefined ? 'none' : 'under-way'
  if (decision.override !== null) return 'overridden'
  if (!decision.isSound) return 'unsound'
  // Without a threshold a report was attached for nodes to judge.
  const isTooHigh = audit !== undefined && isAbove(decision.verdict, audit.threshold)
  return isTooHigh ? 'above-threshold' : 'passed'
}

/** Why neither rounds nor an export of the model may begin; null: they may. */
export function obstacleIn(config: RunConfig, record: GateRecord): FederationError | null {
  const state = gateStateOf(config, record)
  const { verdict = '', because = '', obstacles = [] } = record.decision ?? {}
  switch (state) {
    case 'none':
    case 'passed':
    case 'overridden':
      return null
    case 'under-way':
      return new FederationError('audit/under-way', 'The privacy audit of this run is not over yet')
    case 'unsound':
      return new FederationError(
        'audit/unsound',
        `The privacy audit proves nothing. ${obstacles.join('. ')}`,
      )
    case 'above-threshold':
      return new FederationError(
        'audit/above-threshold',
        `The privacy audit says ${verdict}, and the run starts with ${config.audit?.threshold ?? ''} at most. ${because}`,
      )
  }
}
