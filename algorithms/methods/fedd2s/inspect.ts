import { FederationError } from '#protocol/errors.js'
import type { ArrivedUpdate } from '#algorithms/methods/method.js'
import type { Architecture, FedD2SSetup } from './architectures.js'
import { unpackRows } from './rows.js'
import { SAMPLES, taskOf } from './wire.js'

/**
 * Throws `update/malformed`, `update/not-finite` or `update/out-of-range` for rows that the client of this slot cannot have sent
 * in answer to this task: its whole message is refused, those of the others count (fedd2s specification §12).
 */
export function inspectRows(
  setup: FedD2SSetup,
  architectures: readonly Architecture[],
  { plan, payloads }: ArrivedUpdate,
): void {
  const { cut } = taskOf(plan.task)
  const payload = payloads[SAMPLES]
  if (cut === null || payload === undefined) return
  const { features } = unpackRows(setup, { architectures, cut }, payload)
  const { maxAbs } = setup.config.aggregation
  const beyond = features.find((value) => !(Math.abs(value) <= maxAbs))
  if (beyond === undefined) return
  throw new FederationError(
    'update/out-of-range',
    `A feature is ${beyond}, beyond ±${maxAbs}; raise aggregation.maxAbs if activations are as large`,
  )
}
