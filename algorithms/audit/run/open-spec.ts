import type { AuditData, AuditFile } from '#protocol/audit-config.js'
import { rowsHash } from '#data/share.js'
import { auditSpec, type AuditSource, type AuditSpec, type SpecParts } from './spec.js'

export interface OpenSpecParts extends Omit<SpecParts, 'records' | 'auxiliary'> {
  readonly records: AuditData
  readonly auxiliary: AuditData
}

/**
 * The complete specification of an audit, with hashes of rows that may change: cells that were audited on other rows are other
 * cells. Throws what `auditSpec` throws, before anything is read, and what loaders throw.
 */
export async function openSpec(file: AuditFile, parts: OpenSpecParts): Promise<AuditSpec> {
  const { records, auxiliary } = parts
  const spec = auditSpec(file, {
    ...parts,
    records: { ...records, hash: null },
    auxiliary: { ...auxiliary, hash: null },
  })
  return {
    ...spec,
    records: { ...spec.records, data: await hashed(records) },
    auxiliary: await hashed(auxiliary),
  }
}

const hashed = async (data: AuditData): Promise<AuditSource> => ({
  ...data,
  hash: await rowsHash(data),
})
