import type { Activation, Block, HeadKind, Initializer } from '#algorithms/models/model.js'
import { dense as denseOp, unitVectors } from '#algorithms/tensor/ops.js'
import { FederationError } from '#protocol/errors.js'
import { activate, kerasActivation } from './activation.js'
import { shapeText, type BlockMaker } from './block-maker.js'

interface DenseOptions {
  readonly units: number
  readonly activation: Activation | 'none'
}

/** activation(x · kernel + bias) on vectors. he-normal before a relu or its twin, glorot-uniform without activation. */
export const dense = (name: string, { units, activation }: DenseOptions): BlockMaker => {
  return (inputShape) => {
    const [inputs] = inputShape
    if (inputShape.length !== 1 || inputs === undefined) {
      throw new FederationError(
        'model/does-not-fit',
        `Block ${name} needs vectors, got inputs of shape ${shapeText(inputShape)}`,
      )
    }
    const init: Initializer = activation === 'none' ? 'glorot-uniform' : 'he-normal'
    return {
      name,
      params: [
        { name: 'kernel', shape: [inputs, units], init },
        { name: 'bias', shape: [units], init: 'zeros' },
      ],
      inputShape,
      outputShape: [units],
      layer: {
        className: 'Dense',
        config: { units, activation: kerasActivation(activation), use_bias: true },
      },
      sites: [{ id: name, channels: units, fold: { scale: 'kernel', shift: 'bias' } }],
      forward: ([kernel, bias], x, adapt) =>
        activate(adapt(0, denseOp(x, kernel!, bias)), activation),
    }
  }
}

/** The last block of every model: features enter, one logit per class leaves. It is no place to adapt. */
export const head =
  (classes: number, kind: HeadKind = 'linear'): BlockMaker =>
  (inputShape) => {
    const linear: Block = {
      ...dense('head', { units: classes, activation: 'none' })(inputShape),
      sites: [],
      forward: ([kernel, bias], x) => denseOp(x, kernel!, bias),
    }
    return kind === 'linear' ? linear : normalized(linear)
  }

/** Logits zᵀφ_i / ‖φ_i‖ with φ_i the kernel's column i: no bias, and 0 for a class whose column is 0. */
const normalized = (linear: Block): Block => ({
  ...linear,
  params: linear.params.filter(({ name }) => name === 'kernel'),
  layer: {
    className: 'Dense',
    config: { units: linear.outputShape[0] ?? 0, activation: 'linear', use_bias: false },
    unitColumns: true,
  },
  forward: ([kernel], x) => denseOp(x, unitVectors(kernel!, 0)),
})
