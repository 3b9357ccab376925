import type { TensorSpec } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import type { Block, Model } from '#algorithms/models/model.js'
import type { Tensor } from '#algorithms/tensor/tf.js'
import { product, shapeText } from './blocks/block-maker.js'
import { initialParams } from './initializers.js'

function checkHead(name: string, blocks: readonly Block[], classes: number): void {
  const output = blocks.at(-1)?.outputShape ?? []
  if (output.length !== 1 || output[0] !== classes) {
    throw new FederationError(
      'model/does-not-fit',
      `Model ${name} ends in shape ${shapeText(output)}, but the task has ${classes} classes`,
    )
  }
}

/** Positions of each block's params in the model's list: block i owns starts[i] … starts[i + 1]. */
function paramStarts(blocks: readonly Block[]): readonly number[] {
  const starts = [0]
  for (const block of blocks) starts.push((starts.at(-1) ?? 0) + block.params.length)
  return starts
}

interface ModelParts {
  readonly name: string
  readonly inputShape: readonly number[]
  readonly classes: number
  /** At least one; the last yields [classes] logits. Names are distinct. */
  readonly blocks: readonly Block[]
}

/** A model from its blocks. Throws `model/does-not-fit` when the last block does not yield one logit per class. */
export function buildModel({ name, inputShape, classes, blocks }: ModelParts): Model {
  checkHead(name, blocks, classes)
  const starts = paramStarts(blocks)
  const specs = blocks.flatMap((block) =>
    block.params.map((spec) => ({ ...spec, name: `${block.name}/${spec.name}` })),
  )
  const params: readonly TensorSpec[] = specs.map(({ name: param, shape }) => ({
    name: param,
    shape,
    dtype: 'float32',
  }))
  const forward: Model['forward'] = (tensors, x, range = {}) => {
    const { from = 0, to = blocks.length } = range
    return blocks
      .slice(from, to)
      .reduce<Tensor>(
        (h, block, i) => block.forward(tensors.slice(starts[from + i], starts[from + i + 1]), h),
        x,
      )
  }
  return {
    name,
    inputShape,
    classes,
    blocks,
    params,
    parameterCount: params.reduce((total, spec) => total + product(spec.shape), 0),
    init: (stream) => initialParams(specs, stream),
    forward,
  }
}
