import type { Activation } from '#algorithms/models/model.js'
import { gelu } from '#algorithms/tensor/ops.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'

/** What Keras and TensorFlow.js call it. */
export const kerasActivation = (activation: Activation | 'none'): string =>
  activation === 'none' ? 'linear' : activation

/** All have exact second derivatives in TensorFlow.js (relu: away from 0). `none` is the head's. */
export function activate(x: Tensor, activation: Activation | 'none'): Tensor {
  switch (activation) {
    case 'relu':
      return tf.relu(x)
    case 'softplus':
      return tf.softplus(x)
    case 'gelu':
      return gelu(x)
    case 'none':
      return x
  }
}
