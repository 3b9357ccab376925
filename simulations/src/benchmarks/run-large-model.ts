import type { StepRequest } from './large-model-main.js'
import type { LargeModel, StepMeasurement } from './large-model.js'
import { askChild } from './measured-child.js'

const classes = Array.from({ length: 200 }, (_, label) => String(label))

export const VIT_B16 = {
  name: 'vit-b16',
  describe: 'steps of a full ViT-B/16, and of a FedIns pool over it, on native',
  backends: ['native'],
} as const

/** ViT-B/16 with the 200 classes of Tiny-ImageNet, and the pool of the authors of FedIns. */
export const VIT_B16_MODEL: LargeModel = {
  config: { model: { name: 'vit' }, task: { inputShape: [224, 224, 3], classes }, seed: 7 },
  ...{ poolSize: 25, topK: 3 },
}

/** Takes the steps of one kind in a process of their own. Rejects with that process's error, or when `signal` aborts. */
export const stepsInChild = (
  request: StepRequest,
  signal?: AbortSignal,
): Promise<StepMeasurement> => askChild<StepMeasurement>('./large-model-main.js', request, signal)
