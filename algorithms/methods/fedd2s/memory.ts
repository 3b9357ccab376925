/** What a client keeps between rounds: its own model, never averaged and never sent, and its soft labels. */
import { float32Of, hasTensor, int32Of, makeBundle, tensorsOf } from '#protocol/bundle.js'
import type { Bundle, NamedTensor } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import type { Slot } from '#protocol/ids.js'
import { modelPredictor } from '#algorithms/evaluation/evaluate.js'
import { firstParams } from '#algorithms/methods/first-params.js'
import type { ClientHalf } from '#algorithms/methods/method.js'
import { paramsBundle, paramsOf } from '#algorithms/models/params.js'
import {
  architectureOf,
  architecturesOf,
  type Architecture,
  type FedD2SSetup,
} from './architectures.js'
import type { SoftLabelStore } from './soft-labels.js'

const VALUES = 'softLabels'
const ROUNDS = 'softLabelRounds'
const ADAPTER = 'adapter'

/** A client's adapter after training, for the cut at which it was trained. */
export interface KeptAdapter {
  readonly cut: string
  /** [activation's channels, channels of the first architecture] */
  readonly matrix: Float32Array
}
export interface Personal {
  readonly architecture: Architecture
  readonly params: Float32Array
  /** Null: no soft labels yet, or none in this transfer. */
  readonly store: SoftLabelStore | null
  readonly adapter: KeptAdapter | null
}

type Assets = Readonly<Record<string, Bundle>>

/**
 * The params that all models of an architecture begin with: those of the configured model as for every method, those of the
 * others drawn from the seed. Also the server's heads begin with them: the head serves no other features.
 */
export const firstParamsOf = (
  setup: FedD2SSetup,
  { index, model }: Architecture,
  assets: Assets,
): Float32Array =>
  index === 0 ? firstParams(setup, assets) : model.init(setup.streams('init', index, 0))

/** What a client has now. Without memory: the model that everyone begins with, of the architecture that its slot was dealt. */
export function personalOf(
  setup: FedD2SSetup,
  architectures: readonly Architecture[],
  {
    memory,
    slot,
    assets,
  }: { readonly memory: Bundle | null; readonly slot: Slot; readonly assets: Assets },
): Personal {
  if (memory !== null) return personalIn(architectures, memory)
  const architecture = architectureOf(architectures, slot)
  return {
    architecture,
    params: firstParamsOf(setup, architecture, assets),
    store: null,
    adapter: null,
  }
}

/** Out of a memory. Throws `model/does-not-fit` for one of another run's models. */
export function personalIn(architectures: readonly Architecture[], memory: Bundle): Personal {
  const { architecture: index, adapterCut } = memory.meta
  const architecture = architectures.find((one) => one.index === index)
  if (architecture === undefined) {
    throw new FederationError(
      'model/does-not-fit',
      'This memory is of a model that the run does not have',
    )
  }
  return {
    architecture,
    params: paramsOf(architecture.model, memory),
    store: hasTensor(memory, VALUES)
      ? { values: float32Of(memory, VALUES), rounds: int32Of(memory, ROUNDS) }
      : null,
    adapter:
      typeof adapterCut === 'string'
        ? { cut: adapterCut, matrix: float32Of(memory, ADAPTER) }
        : null,
  }
}

/** To be kept: the params under the model's names, the rest beside them. */
export function memoryOf({ architecture, params, store, adapter }: Personal): Bundle {
  const { model, index } = architecture
  const labels: readonly NamedTensor[] =
    store === null
      ? []
      : [
          {
            ...{ name: VALUES, dtype: 'float32', data: store.values },
            shape: [store.rounds.length, model.classes],
          },
          { name: ROUNDS, shape: [store.rounds.length], dtype: 'int32', data: store.rounds },
        ]
  const map: readonly NamedTensor[] =
    adapter === null
      ? []
      : [
          {
            ...{ name: ADAPTER, dtype: 'float32', data: adapter.matrix },
            shape: [adapter.matrix.length],
          },
        ]
  return makeBundle([...tensorsOf(paramsBundle(model, params)), ...labels, ...map], {
    architecture: index,
    ...(adapter === null ? {} : { adapterCut: adapter.cut }),
  })
}

/** The parts of a client half that ask the personal model alone: the same in both profiles. */
export function personalHalf(
  setup: FedD2SSetup,
  architectures: readonly Architecture[] = architecturesOf(setup),
): Required<Pick<ClientHalf, 'predictor' | 'personalModel'>> {
  return {
    predictor({ memory, assets, slot = 0 }) {
      const { architecture, params } = personalOf(setup, architectures, { memory, assets, slot })
      return modelPredictor(architecture.model, params)
    },
    personalModel(memory) {
      const { architecture, params } = personalIn(architectures, memory)
      return { params: paramsBundle(architecture.model, params), model: architecture.choice }
    },
  }
}
