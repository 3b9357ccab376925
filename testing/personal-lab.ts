/** What tests of methods with personal models look at: what clients keep, what they predict with it, what they would export. */
import { bundleHash, payloadFloat32, type Bundle } from '#protocol/bundle.js'
import { createStreams } from '#protocol/random.js'
import type { Fate } from '#protocol/record.js'
import type { RunConfig } from '#protocol/run-config.js'
import type { ClientData } from '#data/dataset.js'
import { modelPredictor } from '#algorithms/evaluation/evaluate.js'
import { methodOf, methodSetup, modelOf, serverSetup } from '#algorithms/from-config.js'
import type { ClientHalf, Method, PredictorInput, ServerHalf } from '#algorithms/methods/method.js'
import { paramsOf } from '#algorithms/models/params.js'
import { tf } from '#algorithms/tensor/tf.js'
import { assetsOf } from './run-rounds-in-memory.js'
import { FEATURES, tinyConfig, withMethod, type ConfigChange } from './tiny-federation.js'

/** A perceptron of two layers, of which a naive reference has the derivatives. */
export const HIDDEN = 5
export const NET = { inputs: FEATURES, hidden: HIDDEN, classes: 3 }
export const withPerceptron: ConfigChange = (config) => ({
  ...config,
  model: { name: 'mlp', hidden: [HIDDEN], activation: 'softplus' },
})
/** A run of a method on that perceptron. */
export const perceptronRun = (
  name: string,
  options: Parameters<typeof withMethod>[1] = {},
  change: Partial<RunConfig> = {},
): RunConfig =>
  tinyConfig((base) => withMethod(name, options)(withPerceptron({ ...base, ...change })))

export const halvesOf = (
  config: RunConfig,
): { readonly method: Method; readonly client: ClientHalf; readonly server: ServerHalf } => {
  const method = methodOf(config)
  return {
    method,
    client: method.client(methodSetup(config)),
    server: method.server(serverSetup(config)),
  }
}

/** What every client begins with where the run does not start from a bundle. */
export const firstOf = (config: RunConfig): Float32Array =>
  modelOf(config).init(createStreams(config.seed)('init', 0, 0))

/** The full set of params that a memory would be exported as, in one array. */
export function exported(config: RunConfig, memory: Bundle): Float32Array {
  const personal = halvesOf(config).client.personalModel!(memory)
  return paramsOf(modelOf({ ...config, model: personal.model }), personal.params)
}
export const exportedHash = (config: RunConfig, memory: Bundle): string =>
  bundleHash(halvesOf(config).client.personalModel!(memory).params)

/** Logits of all a client's examples, by whatever the client half predicts with. */
export function logitsBy(
  config: RunConfig,
  from: Partial<PredictorInput> & Pick<PredictorInput, 'shared'>,
  client: ClientData,
): readonly number[] {
  const handle = halvesOf(config).client.predictor({ assets: {}, memory: null, slot: 1, ...from })
  if (handle === null) throw new Error('This client cannot predict')
  try {
    return tf.tidy(() => [
      ...handle.predict(inputsOf(client), { rows: client.test.indices, domains: null }).dataSync(),
    ])
  } finally {
    handle.dispose()
  }
}
/** The same by a full set of params of the configured model. */
export function logitsOf(
  config: RunConfig,
  params: Float32Array,
  client: ClientData,
): readonly number[] {
  const handle = modelPredictor(modelOf(config), params)
  try {
    return tf.tidy(() => [
      ...handle.predict(inputsOf(client), { rows: client.test.indices, domains: null }).dataSync(),
    ])
  } finally {
    handle.dispose()
  }
}
const inputsOf = ({ test: { source, indices } }: ClientData) =>
  tf.stack(
    [...indices].map((row) =>
      tf.tensor1d(source.features.slice(row * FEATURES, (row + 1) * FEATURES)),
    ),
  )

/** Bundle and assets as a client gets them in an evaluation round at the very start of a run. */
export function releasedFirst(config: RunConfig, startFrom?: Bundle): PredictorInput {
  const { server } = halvesOf(config)
  const { bundle, assets } = server.released(server.init(startFrom ?? null))
  const given = startFrom === undefined ? {} : { startFrom }
  return { shared: bundle, assets: assetsOf(given, { assets }), memory: null }
}
/** The same in the first training round. */
export function plannedFirst(config: RunConfig, startFrom?: Bundle): PredictorInput {
  const { server } = halvesOf(config)
  const plan = server.next(server.init(startFrom ?? null))
  if (plan === 'done') throw new Error('The run ends before its first round')
  const given = startFrom === undefined ? {} : { startFrom }
  return { shared: plan.shared, assets: assetsOf(given, plan), memory: null }
}

export const numbers = (bundle: Bundle): readonly number[] => [...payloadFloat32(bundle)]
/** Fates that do not count. */
export const LOST = ['refused', 'abandoned'] as const satisfies readonly Fate[]
