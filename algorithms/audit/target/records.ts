import { CONSENT_BASES, type ConsentBasis } from '#protocol/audit-config.js'
import { FederationError } from '#protocol/errors.js'
import type { Examples } from '#data/dataset.js'

/** Records an operator holds and may audit with. */
export interface AuditRecords {
  readonly examples: Examples
  readonly basis: ConsentBasis
  /** For the report: which data, which part of them. */
  readonly description: string
}

/** Throws `audit/no-consent` for records of which nobody said why they may be audited, whatever the types promise. */
export function assertConsent({
  basis,
  description,
}: {
  readonly basis: unknown
  readonly description: string
}): void {
  if ((CONSENT_BASES as readonly unknown[]).includes(basis)) return
  throw new FederationError(
    'audit/no-consent',
    `Nobody said why ${description} may be audited; it must be one of ${CONSENT_BASES.join(', ')}`,
  )
}
