import { FederationError } from '#protocol/errors.js'
import type { CalibrationServer } from '#algorithms/calibration/calibration.js'
import type { MethodSetup } from '#algorithms/methods/method.js'
import type { CcvrHyper } from './hyper.js'

export const ccvrServer = (_setup: MethodSetup<CcvrHyper>): CalibrationServer => {
  throw new FederationError('internal/bug', 'to come')
}
