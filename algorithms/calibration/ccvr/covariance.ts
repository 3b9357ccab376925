import { FederationError } from '#protocol/errors.js'
import type { GatheredStatistics } from './gathered.js'
import type { CcvrHyper } from './hyper.js'
import type { GlobalClass } from './moments.js'

/** One entry for each label in order, also for those that nobody holds (ccvr specification §4, §4.1). */
export const globalClasses = (
  _gathered: GatheredStatistics,
  _hyper: CcvrHyper,
): readonly GlobalClass[] => {
  throw new FederationError('internal/bug', 'to come')
}
