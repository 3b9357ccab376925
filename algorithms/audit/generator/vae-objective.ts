/** What training a variational autoencoder makes small. The encoder is there only for that. Gifd specification §7.3. */
import { rowSize } from '#data/dataset.js'
import type { Objective } from '#algorithms/training/objective.js'
import { layoutOf } from '#algorithms/models/params.js'
import type { ParamSpec } from '#algorithms/models/model.js'
import { dense, exp, relu } from '#algorithms/tensor/ops.js'
import { normalTensor } from '#algorithms/tensor/random-tensor.js'
import type { Stream } from '#algorithms/tensor/stream.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import type { DecoderShape, GeneratorOptions } from './generator-options.js'
import { decode, decoderBlocks, decoderParams } from './vae-decoder.js'

function encoderParams(shape: DecoderShape, hidden: number): readonly ParamSpec[] {
  const { imageShape, classes, conditional, latentDim } = shape
  const inputs = rowSize(imageShape) + (conditional ? classes : 0)
  return [
    { name: 'encoder/hidden/kernel', shape: [inputs, hidden], init: 'he-normal' },
    { name: 'encoder/hidden/bias', shape: [hidden], init: 'zeros' },
    { name: 'encoder/mean/kernel', shape: [hidden, latentDim], init: 'lecun-normal' },
    { name: 'encoder/mean/bias', shape: [latentDim], init: 'zeros' },
    { name: 'encoder/spread/kernel', shape: [hidden, latentDim], init: 'lecun-normal' },
    { name: 'encoder/spread/bias', shape: [latentDim], init: 'zeros' },
  ]
}

/** Those of the decoder, then those of the encoder. */
export const vaeParams = (shape: DecoderShape, hidden: number): readonly ParamSpec[] => [
  ...decoderParams(shape),
  ...encoderParams(shape, hidden),
]

/** Mean and logarithm of the variance of the latents of pictures: [batch, latentDim] each. */
function encode(
  x: Tensor,
  c: Tensor | null,
  w: readonly Tensor[],
): { readonly mean: Tensor; readonly spread: Tensor } {
  const flat = tf.reshape(x, [x.shape[0] ?? 0, -1])
  const hidden = relu(dense(c === null ? flat : tf.concat([flat, c], 1), w[0]!, w[1]))
  return { mean: dense(hidden, w[2]!, w[3]), spread: dense(hidden, w[4]!, w[5]) }
}

/** Σ over pixels of −x log p − (1 − x) log(1 − p), a mean over the batch. p is never 0 or 1. */
function pixelLoss(p: Tensor, x: Tensor): Tensor {
  const kept = tf.mul(x, tf.log(p))
  const left = tf.mul(tf.sub(1, x), tf.log(tf.sub(1, p)))
  return tf.div(tf.neg(tf.sum(tf.add(kept, left))), x.shape[0] ?? 1)
}

/** ½ Σ over latents of mean² + e^spread − 1 − spread, the divergence of N(mean, e^spread) from N(0, 1); a mean over the batch. */
function priorLoss(mean: Tensor, spread: Tensor): Tensor {
  const inner = tf.sub(tf.sub(tf.add(1, spread), tf.square(mean)), exp(spread))
  return tf.div(tf.sum(inner), -2 * (mean.shape[0] ?? 1))
}

/** Draws a new latent for every picture of every batch from `stream`. */
export function vaeObjective(
  shape: DecoderShape,
  { hidden, priorWeight }: Pick<GeneratorOptions, 'hidden' | 'priorWeight'>,
  stream: Stream,
): Objective {
  const blocks = decoderBlocks(shape)
  const inDecoder = decoderParams(shape).length
  const params = vaeParams(shape, hidden).map(({ name, shape: of }) => ({
    ...{ name, shape: of },
    dtype: 'float32' as const,
  }))
  const { parameterCount } = layoutOf('autoencoder', params)
  return {
    ...{ name: 'autoencoder', params, parameterCount },
    tallies: [],
    on: ({ x, y }) => {
      const noise = normalTensor(stream, [x.shape[0] ?? 0, shape.latentDim])
      const c = shape.conditional ? y : null
      return {
        loss: (weights) => {
          const { mean, spread } = encode(x, c, weights.slice(inDecoder))
          const z = tf.add(mean, tf.mul(noise, exp(tf.mul(spread, 0.5))))
          const p = decode(blocks, weights.slice(0, inDecoder), { z, c })
          const prior = tf.mul(priorLoss(mean, spread), priorWeight)
          return tf.add<tf.Scalar>(pixelLoss(p, x), prior)
        },
      }
    },
  }
}
