/** Entry of the process that takes one step of a calibration. */
import type { FrozenRound } from '#coordinator/compute/compute.js'
import {
  measureClients,
  measureClose,
  measureMerge,
  type CcvrStep,
  type ClientsMeasurement,
  type CloseMeasurement,
  type MergeMeasurement,
} from './ccvr.js'
import { answerParent } from './measured-child.js'

export type CcvrRequest = CcvrStep &
  ({ readonly kind: 'clients' } | { readonly kind: 'merge' | 'close'; readonly round: FrozenRound })

answerParent<CcvrRequest, ClientsMeasurement | MergeMeasurement | CloseMeasurement>((request) => {
  if (request.kind === 'clients') return measureClients(request)
  const { round } = request
  return request.kind === 'merge' ? measureMerge(request, round) : measureClose(request, round)
})
