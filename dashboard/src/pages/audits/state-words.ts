import type { AuditLine } from '#protocol/server-views.js'

/** What came of an audit, for the run. */
export const STATE_WORDS: Readonly<Record<AuditLine['state'], string>> = {
  none: 'no audit',
  'under-way': 'under way',
  passed: 'may start',
  'above-threshold': 'stopped',
  unsound: 'proves nothing',
  overridden: 'overridden',
}
