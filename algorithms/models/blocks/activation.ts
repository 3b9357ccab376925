import type { Activation } from '#algorithms/models/model.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'

/** Both have exact second derivatives in TensorFlow.js (relu: away from 0). `none` is the head's. */
export function activate(x: Tensor, activation: Activation | 'none'): Tensor {
  switch (activation) {
    case 'relu':
      return tf.relu(x)
    case 'softplus':
      return tf.softplus(x)
    case 'none':
      return x
  }
}
