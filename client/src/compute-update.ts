import type { Bundle } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import type { Fate, Metrics } from '#protocol/record.js'
import { packUpdate } from '#algorithms/methods/update.js'
import type { PerformInput } from '#algorithms/methods/method.js'
import type { ClientHalves, Part } from '#algorithms/programs/program.js'

/** What a client sends and keeps after one task. */
export interface ComputedUpdate {
  readonly update: Bundle
  readonly weight: number
  readonly metrics: Metrics
  readonly pending: Bundle | null
}

const isPart = (halves: ClientHalves, part: string): part is Part => Object.hasOwn(halves, part)

function halfOf(halves: ClientHalves, part: string): ClientHalves[Part] {
  if (isPart(halves, part)) return halves[part]
  const known = Object.keys(halves).join(', ')
  throw new FederationError(
    'message/malformed',
    `The task is for part '${part}' of the run; this version knows ${known}`,
  )
}

/** The computation of one task: what a node's child process and a simulation worker both do. */
export async function computeUpdate(
  halves: ClientHalves,
  part: string,
  input: PerformInput,
): Promise<ComputedUpdate> {
  const { update, weight, metrics, pending } = await halfOf(halves, part).perform(input)
  return { update: packUpdate(update, input.uplink), weight, metrics, pending }
}

/** What the client keeps now that it knows what became of its update. */
export function settleMemory(
  halves: ClientHalves,
  part: string,
  outcome: {
    readonly memory: Bundle | null
    readonly pending: Bundle | null
    readonly fate: Fate
  },
): Bundle | null {
  const { memory, pending, fate } = outcome
  const half = halfOf(halves, part)
  if (half.settle !== undefined) return half.settle(memory, pending, fate)
  return fate === 'accepted' ? pending : memory
}
