import { Identity } from '@tensorflow/tfjs-core'
import { installKernel } from './kernel.js'

/**
 * A clone that shares the memory, as on the other backends: the tape clones every tensor it saves, and the backend's own
 * kernel copies it (6 MB a step for the largest layer of the FedAvg paper's network). Safe, because no kernel writes to its inputs.
 */
export function installIdentity(): void {
  installKernel(Identity, ({ inputs, backend }) => {
    const { dataId, shape, dtype } = inputs.x!
    backend.incRef(dataId)
    return { dataId, shape: [...shape], dtype }
  })
}
