/** Entry of the process that takes the steps of one kind. */
import { useBackend, type BackendName } from '#algorithms/tensor/backends.js'
import {
  measureSteps,
  type LargeModel,
  type StepKind,
  type StepMeasurement,
} from './large-model.js'
import { answerParent } from './measured-child.js'

export interface StepRequest {
  readonly large: LargeModel
  readonly kind: StepKind
  readonly backend: BackendName
  readonly threads: number
}

answerParent<StepRequest, StepMeasurement>(async ({ large, kind, backend, threads }) =>
  measureSteps(large, kind, await useBackend(backend, { threads })),
)
