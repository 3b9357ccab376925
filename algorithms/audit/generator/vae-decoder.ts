/**
 * The decoder of a conditional variational autoencoder as a generator of four blocks (gifd specification §7.3): small, quick
 * to train, with a standard normal prior, and it does not collapse.
 *
 *   G_0  z and label → dense → relu → [h/4, w/4, F]       = h_1
 *   G_1  twice the size, convolution 3 × 3, relu          = h_2 [h/2, w/2, F]
 *   G_2  convolution 3 × 3, relu                          = h_3 [h/2, w/2, F]
 *   G_3  convolution 3 × 3 to 4 C channels, which become squares of pixels, sigmoid
 *
 * Kingma and Welling, Auto-Encoding Variational Bayes, ICLR 2014, https://arxiv.org/abs/1312.6114.
 */
import type { ParamSpec } from '#algorithms/models/model.js'
import { conv2d, dense, relu, sigmoid } from '#algorithms/tensor/ops.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import type { GeneratorBlock } from './generator-blocks.js'
import type { DecoderShape } from './generator-options.js'
import { channelsToSquares, doubled } from './picture-ops.js'

/** Values stay this far from 0 and 1, where a sigmoid has no gradient left (gifd specification §18). */
const EDGE = 0.001

/** In the order in which the blocks take them. */
export function decoderParams(shape: DecoderShape): readonly ParamSpec[] {
  const { imageShape, classes, conditional, latentDim, features } = shape
  const [height = 0, width = 0, channels = 0] = imageShape
  const inputs = latentDim + (conditional ? classes : 0)
  const start = (height / 4) * (width / 4) * features
  const layer = (
    name: string,
    kernel: readonly number[],
    init: ParamSpec['init'] = 'he-normal',
  ): readonly ParamSpec[] => [
    { name: `${name}/kernel`, shape: kernel, init },
    { name: `${name}/bias`, shape: [kernel.at(-1) ?? 0], init: 'zeros' },
  ]
  return [
    ...layer('start', [inputs, start]),
    ...layer('grow', [3, 3, features, features]),
    ...layer('refine', [3, 3, features, features]),
    ...layer('pixels', [3, 3, features, 4 * channels], 'lecun-normal'),
  ]
}

const convolved = (x: Tensor, kernel: Tensor, bias: Tensor): Tensor =>
  tf.add(conv2d(x, kernel, { padding: 'same' }), bias)

/** The four blocks. Their weights are those of `decoderParams`. */
export function decoderBlocks(shape: DecoderShape): readonly GeneratorBlock[] {
  const { imageShape, features } = shape
  const [height = 0, width = 0] = imageShape
  const quarter = [height / 4, width / 4, features]
  const half = [height / 2, width / 2, features]
  return [
    {
      outputShape: quarter,
      apply: (z, c, w) => {
        const input = c === null ? z : tf.concat([z, c], 1)
        return tf.reshape(relu(dense(input, w[0]!, w[1])), [z.shape[0] ?? 0, ...quarter])
      },
    },
    { outputShape: half, apply: (h, _c, w) => relu(convolved(doubled(h), w[2]!, w[3]!)) },
    { outputShape: half, apply: (h, _c, w) => relu(convolved(h, w[4]!, w[5]!)) },
    {
      outputShape: imageShape,
      apply: (h, _c, w) => {
        const ink = sigmoid(channelsToSquares(convolved(h, w[6]!, w[7]!)))
        return tf.add(tf.mul(ink, 1 - 2 * EDGE), EDGE)
      },
    },
  ]
}

/** G_3 ∘ … ∘ G_0: latents [batch, latentDim] → pictures [batch, height, width, channels]. */
export function decode(
  blocks: readonly GeneratorBlock[],
  weights: readonly Tensor[],
  { z, c }: { readonly z: Tensor; readonly c: Tensor | null },
): Tensor {
  return blocks.reduce((h, block) => block.apply(h, c, weights), z)
}
