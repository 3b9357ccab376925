import type { Examples } from '#data/dataset.js'

/** Why these records may be audited: gifd specification §1. Records without one of these are refused. */
export const CONSENT_BASES = ['synthetic', 'canary', 'public', 'consented'] as const
export type ConsentBasis = (typeof CONSENT_BASES)[number]

/** Records an operator holds and may audit with. */
export interface AuditRecords {
  readonly examples: Examples
  readonly basis: ConsentBasis
  /** For the report: which data, which part of them. */
  readonly description: string
}
