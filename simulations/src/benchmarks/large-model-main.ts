/** Entry of the process that takes the steps of one kind: its peak memory is that of this work alone. */
import { asFederationError, type Problem } from '#protocol/errors.js'
import type { Engine } from '#protocol/record.js'
import { useBackend, type BackendName } from '#algorithms/tensor/backends.js'
import {
  measureSteps,
  type LargeModel,
  type StepKind,
  type StepMeasurement,
} from './large-model.js'

export interface StepRequest {
  readonly large: LargeModel
  readonly kind: StepKind
  readonly backend: BackendName
  readonly threads: number
}
export type StepAnswer =
  | { readonly kind: 'done'; readonly measurement: StepMeasurement }
  | { readonly kind: 'failed'; readonly problem: Problem }

const tell = (answer: StepAnswer): void => void process.send?.(answer)

async function measure({ large, kind, backend, threads }: StepRequest): Promise<StepMeasurement> {
  const engine: Engine = await useBackend(backend, { threads })
  return measureSteps(large, kind, engine)
}

process.once('message', (request) => {
  measure(request as StepRequest).then(
    (measurement) => tell({ kind: 'done', measurement }),
    (error: unknown) =>
      tell({ kind: 'failed', problem: asFederationError(error, 'algorithm/failed').toProblem() }),
  )
})
process.once('disconnect', () => process.exit(0))
