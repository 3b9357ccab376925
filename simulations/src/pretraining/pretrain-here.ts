import { encodeBundle } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import type { PretrainOptions } from '#protocol/pretrain-options.js'
import { loadDataset } from '#data/index.js'
import { pretrain, type EpochProgress, type Pretrained } from '#algorithms/training/pretrain.js'
import { useBackend } from '#algorithms/tensor/backends.js'

export interface Trained {
  /** The encoded bundle. */
  readonly bytes: Uint8Array
  readonly accuracy: Pretrained['accuracy']
}

/** Loads the data and pre-trains in this process, with a backend that was chosen before. */
export async function pretrainHere(
  options: PretrainOptions,
  { onEpoch }: { readonly onEpoch?: (progress: EpochProgress) => void } = {},
): Promise<Trained> {
  const { backend, threads } = options.compute
  if (backend === 'auto')
    throw new FederationError('internal/bug', 'The backend is chosen before a pre-training starts')
  const { bundle, accuracy } = await pretrain({
    options,
    train: await loadDataset({ ...options.data, split: 'train' }),
    test: await loadDataset({ ...options.data, split: 'test' }),
    engine: await useBackend(backend, { threads }),
    ...(onEpoch === undefined ? {} : { onEpoch }),
  })
  return { bytes: encodeBundle(bundle), accuracy }
}
