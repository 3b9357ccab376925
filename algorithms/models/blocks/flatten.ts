import { tf } from '#algorithms/tensor/tf.js'
import { product, type BlockMaker } from './block-maker.js'

/** Any shape to one vector, row by row, channels last. */
export const flatten = (name = 'flatten'): BlockMaker => {
  return (inputShape) => {
    const size = product(inputShape)
    return {
      name,
      params: [],
      // Flatten itself takes no vectors.
      layer:
        inputShape.length > 1
          ? { className: 'Flatten', config: { data_format: 'channels_last' } }
          : { className: 'Reshape', config: { target_shape: [size] } },
      sites: [],
      inputShape,
      outputShape: [size],
      forward: (_params, x) => tf.reshape(x, [x.shape[0], size]),
    }
  }
}
