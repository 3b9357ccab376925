import type { AuditLine } from '#protocol/server-views.js'
import type { Tone } from '../../parts/mark.js'

/** What came of an audit, for the run. */
export const STATE_WORDS: Readonly<Record<AuditLine['state'], string>> = {
  none: 'no audit',
  'under-way': 'under way',
  passed: 'may start',
  'above-threshold': 'stopped',
  unsound: 'proves nothing',
  overridden: 'overridden',
}
export const STATE_TONES: Readonly<Record<AuditLine['state'], Tone>> = {
  none: 'neutral',
  'under-way': 'accent',
  passed: 'good',
  'above-threshold': 'bad',
  unsound: 'bad',
  overridden: 'warn',
}
