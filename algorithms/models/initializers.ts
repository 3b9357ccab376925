/**
 * How parameters are drawn.
 * he-normal: N(0, 2 / fanIn), keeps the variance of activations through relu layers (He et al., Delving Deep into
 * Rectifiers, ICCV 2015, https://arxiv.org/abs/1502.01852).
 * lecun-normal: N(0, 1 / fanIn), the same for a layer without relu (LeCun et al., Efficient BackProp, 1998).
 * glorot-uniform: U(−b, b), b = sqrt(6 / (fanIn + fanOut)) (Glorot and Bengio, Understanding the difficulty of training
 * deep feedforward neural networks, AISTATS 2010, https://proceedings.mlr.press/v9/glorot10a.html).
 * position: N(0, 0.02²), as transformers draw what they add to their tokens.
 * fanIn of a dense kernel [in, out] is `in`; of a convolution kernel [height, width, in, out] it is height · width · in.
 */
import type { Initializer, ParamSpec } from '#algorithms/models/model.js'
import type { Stream } from '#algorithms/tensor/stream.js'

const size = (shape: readonly number[]): number => shape.reduce((all, one) => all * one, 1)

function fans(shape: readonly number[]): { readonly fanIn: number; readonly fanOut: number } {
  const inputs = shape.at(-2) ?? 1
  const outputs = shape.at(-1) ?? 1
  const taps = size(shape.slice(0, -2))
  return { fanIn: taps * inputs, fanOut: taps * outputs }
}

const normal =
  (deviation: number, stream: Stream): (() => number) =>
  () =>
    deviation * stream.normal()

function sampler(init: Initializer, shape: readonly number[], stream: Stream): () => number {
  const { fanIn, fanOut } = fans(shape)
  switch (init) {
    case 'zeros':
      return () => 0
    case 'ones':
      return () => 1
    case 'he-normal':
      return normal(Math.sqrt(2 / fanIn), stream)
    case 'lecun-normal':
      return normal(Math.sqrt(1 / fanIn), stream)
    case 'position':
      return normal(0.02, stream)
    case 'glorot-uniform': {
      const bound = Math.sqrt(6 / (fanIn + fanOut))
      return () => bound * (2 * stream.uniform() - 1)
    }
  }
}

/** All params in one array, drawn param by param in order. zeros and ones take nothing from the stream. */
export function initialParams(specs: readonly ParamSpec[], stream: Stream): Float32Array {
  const flat = new Float32Array(specs.reduce((total, spec) => total + size(spec.shape), 0))
  let offset = 0
  for (const spec of specs) {
    const end = offset + size(spec.shape)
    const draw = sampler(spec.init, spec.shape, stream)
    for (let i = offset; i < end; i++) flat[i] = draw()
    offset = end
  }
  return flat
}
