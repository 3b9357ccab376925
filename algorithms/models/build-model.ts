import type { TensorSpec } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import type { Adapt, Block, Model, SiteSpec } from '#algorithms/models/model.js'
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

/** Where each block's own things begin in a list of all blocks' things: block i owns starts[i] … starts[i + 1]. */
function startsOf(blocks: readonly Block[], count: (block: Block) => number): readonly number[] {
  const starts = [0]
  for (const block of blocks) starts.push((starts.at(-1) ?? 0) + count(block))
  return starts
}

const fullName = (block: Block, param: string): string => `${block.name}/${param}`

const sitesOf = (block: Block): readonly SiteSpec[] =>
  block.sites.map(({ fold: { scale, shift }, ...site }) => ({
    ...site,
    fold: { scale: fullName(block, scale), shift: fullName(block, shift) },
  }))

const unchanged: Adapt = (_site, z) => z

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
  const starts = startsOf(blocks, (block) => block.params.length)
  const siteStarts = startsOf(blocks, (block) => block.sites.length)
  const specs = blocks.flatMap((block) =>
    block.params.map((spec) => ({ ...spec, name: fullName(block, spec.name) })),
  )
  const params: readonly TensorSpec[] = specs.map(({ name: param, shape }) => ({
    name: param,
    shape,
    dtype: 'float32',
  }))
  const forward: Model['forward'] = (tensors, x, options = {}) => {
    const { from = 0, to = blocks.length, adapt = unchanged } = options
    return blocks.slice(from, to).reduce<Tensor>((h, block, i) => {
      const own = tensors.slice(starts[from + i], starts[from + i + 1])
      const firstSite = siteStarts[from + i] ?? 0
      return block.forward(own, h, (site, z) => adapt(firstSite + site, z))
    }, x)
  }
  return {
    name,
    inputShape,
    classes,
    blocks,
    params,
    sites: blocks.flatMap(sitesOf),
    parameterCount: params.reduce((total, spec) => total + product(spec.shape), 0),
    init: (stream) => initialParams(specs, stream),
    forward,
  }
}
