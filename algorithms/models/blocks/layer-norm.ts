import { layerNorm as layerNormOp } from '#algorithms/tensor/ops.js'
import type { BlockMaker } from './block-maker.js'

/** As in the vision transformers' own implementations. */
export const NORM_EPSILON = 1e-6

/** Each example's last axis to mean 0 and variance 1, then times `scale` plus `shift`. */
export const layerNorm = (name: string): BlockMaker => {
  return (inputShape) => {
    const channels = inputShape.at(-1) ?? 1
    return {
      name,
      params: [
        { name: 'scale', shape: [channels], init: 'ones' },
        { name: 'shift', shape: [channels], init: 'zeros' },
      ],
      layer: { className: 'LayerNormalization', config: { axis: -1, epsilon: NORM_EPSILON } },
      sites: [{ id: name, channels, fold: { scale: 'scale', shift: 'shift' } }],
      inputShape,
      outputShape: inputShape,
      forward: ([scale, shift], x, adapt) =>
        adapt(0, layerNormOp(x, { scale: scale!, shift: shift!, epsilon: NORM_EPSILON })),
    }
  }
}
