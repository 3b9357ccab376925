/** One client's update, by the code that clients run: the method's client half, then the run's update transforms. */
import type { NamedTensor } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import type { RunConfig } from '#protocol/run-config.js'
import type { Examples } from '#data/dataset.js'
import { methodOf, methodSetup, serverSetup, updateTransformsOf } from '#algorithms/from-config.js'
import { paramPlaces, paramsBundle } from '#algorithms/models/params.js'
import { applyTransforms, seededNoise } from '#algorithms/update-transforms/apply.js'
import type { ConfiguredTransform } from '#algorithms/update-transforms/update-transform.js'

/** The audited round. */
export const AUDITED_ROUND = 1
const DELTA = 'delta'

interface ClientTask {
  /** Complete. */
  readonly config: RunConfig
  /** What the client receives: a full set of params. */
  readonly params: Float32Array
  /** All that the client has. */
  readonly examples: Examples
  /** Batches are shuffled and noise is drawn by the run's seed and this number. */
  readonly slot: number
}

/** Tensors of the group `delta`, in the model's order. */
export type DeltaParts = readonly Float32Array[]

export interface ClientUpdate {
  /** As it leaves the client. */
  readonly sent: DeltaParts
  /** The same with every transform but those that add noise: what the noise is compared with. */
  readonly withoutNoise: DeltaParts
}

/** Trains on the examples as a node does in a first round, without memory. The method sends a group `delta`. */
export async function clientUpdate(task: ClientTask): Promise<ClientUpdate> {
  const { config, slot } = task
  const delta = await trainedDelta(task)
  const transforms = updateTransformsOf(config)
  const noise = seededNoise(methodSetup(config).streams, { round: AUDITED_ROUND, slot })
  return {
    sent: applyTransforms(delta, transforms, noise),
    withoutNoise: applyTransforms(delta, transforms.filter(isQuiet)),
  }
}

const isQuiet = ({ transform, options }: ConfiguredTransform): boolean =>
  (transform.noise?.(options) ?? 0) === 0

async function trainedDelta({ config, params, examples, slot }: ClientTask): Promise<DeltaParts> {
  const method = methodOf(config)
  const setup = methodSetup(config)
  const server = method.server(serverSetup(config))
  const plan = server.next(server.init(paramsBundle(setup.model, params)))
  if (plan === 'done') throw new FederationError('internal/bug', `${method.name} asks for nothing`)
  const { source } = examples
  const { update } = await method.client(setup).perform({
    ...{ round: AUDITED_ROUND, slot, task: plan.task, shared: plan.shared },
    // `config.startFrom` is null: nothing else is fetched.
    ...{ assets: {}, personal: null, memory: null, uplink: plan.uplink },
    data: {
      train: examples,
      test: { source, indices: new Int32Array(0) },
      card: { inputShape: [...source.inputShape], classes: [...source.classes] },
    },
  })
  const group = update[DELTA] ?? []
  return paramPlaces(setup.model).map(({ name }) => floatsOf(group, name))
}

function floatsOf(group: readonly NamedTensor[], name: string): Float32Array {
  const data = group.find((tensor) => tensor.name === name)?.data
  if (data instanceof Float32Array) return data
  throw new FederationError('internal/bug', `An audited method sends no ${name} in ${DELTA}`)
}
