import type { Activation, Block, ParamSpec, SiteSpec } from '#algorithms/models/model.js'
import { attention, dense, layerNorm } from '#algorithms/tensor/ops.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { FederationError } from '#protocol/errors.js'
import { activate } from './activation.js'
import { shapeText, type BlockMaker } from './block-maker.js'
import { NORM_EPSILON } from './layer-norm.js'

interface TransformerOptions {
  /** Goes before the ids of its sites: `0` has the sites `0.ln1`, `0.qkv` … */
  readonly id: string
  /** Divides the channels. */
  readonly heads: number
  /** Channels between the two layers of the perceptron, by channels outside. */
  readonly mlpRatio: number
  readonly activation: Activation
}

const norm = (name: string, channels: number): readonly ParamSpec[] => [
  { name: `${name}/scale`, shape: [channels], init: 'ones' },
  { name: `${name}/shift`, shape: [channels], init: 'zeros' },
]
const linear = (name: string, inputs: number, outputs: number): readonly ParamSpec[] => [
  { name: `${name}/kernel`, shape: [inputs, outputs], init: 'glorot-uniform' },
  { name: `${name}/bias`, shape: [outputs], init: 'zeros' },
]

/** Two params an op, in the order in which the ops come. */
const paramsOf = (width: number, hidden: number): readonly ParamSpec[] => [
  ...norm('ln1', width),
  ...linear('qkv', width, 3 * width),
  ...linear('proj', width, width),
  ...norm('ln2', width),
  ...linear('fc1', width, hidden),
  ...linear('fc2', hidden, width),
]

/** A site behind each op, which is what its two params are for. */
const sitesOf = (id: string, params: readonly ParamSpec[]): readonly SiteSpec[] =>
  params.flatMap(({ name: scale, shape }, i) => {
    const shift = params[i + 1]
    if (i % 2 === 1 || shift === undefined) return []
    const site = `${id}.${scale.slice(0, scale.indexOf('/'))}`
    return [{ id: site, channels: shape.at(-1) ?? 1, fold: { scale, shift: shift.name } }]
  })

/** Attention among the tokens, then a perceptron on each, either behind a LayerNorm and added to what entered it. */
function forwardOf({ heads, activation }: TransformerOptions): Block['forward'] {
  return (params, x, adapt) => {
    const pair = (site: number) => [params[2 * site]!, params[2 * site + 1]!] as const
    const normed = (site: number, z: Tensor): Tensor => {
      const [scale, shift] = pair(site)
      return adapt(site, layerNorm(z, { scale, shift, epsilon: NORM_EPSILON }))
    }
    const projected = (site: number, z: Tensor): Tensor => adapt(site, dense(z, ...pair(site)))

    const mixed = attention(projected(1, normed(0, x)), heads)
    const u = tf.add(x, projected(2, mixed))
    const hidden = activate(projected(4, normed(3, u)), activation)
    return tf.add(u, projected(5, hidden))
  }
}

/** A pre-norm transformer block on tokens [tokens, channels]. */
export const transformer = (name: string, options: TransformerOptions): BlockMaker => {
  return (inputShape) => {
    const [, width] = inputShape
    if (inputShape.length !== 2 || width === undefined || width % options.heads !== 0) {
      throw new FederationError(
        'model/does-not-fit',
        `Block ${name} needs tokens whose channels ${options.heads} heads can share, got inputs of shape ${shapeText(inputShape)}`,
      )
    }
    const params = paramsOf(width, width * options.mlpRatio)
    return {
      name,
      params,
      inputShape,
      outputShape: inputShape,
      sites: sitesOf(options.id, params),
      forward: forwardOf(options),
    }
  }
}
