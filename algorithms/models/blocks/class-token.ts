import { tf } from '#algorithms/tensor/tf.js'
import type { BlockMaker } from './block-maker.js'
import { layerNorm } from './layer-norm.js'

/** Tokens [tokens, channels] to the first one's features [channels], normalised. The others would be normalised for nothing. */
export const classToken = (name: string): BlockMaker => {
  return (inputShape) => {
    const channels = inputShape.slice(1)
    const norm = layerNorm(name)(channels)
    return {
      ...norm,
      inputShape,
      forward: (params, x, adapt) => {
        const first = tf.slice(x, [0, 0, 0], [-1, 1, -1])
        return norm.forward(params, tf.reshape(first, [-1, ...channels]), adapt)
      },
    }
  }
}
