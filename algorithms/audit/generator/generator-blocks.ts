import type { Stream } from '#protocol/random.js'
import type { Tensor } from '#algorithms/tensor/tf.js'
import { tf } from '#algorithms/tensor/tf.js'
import type { LayeredGenerator, Projection } from './layered-generator.js'

/** One step of a generator, G_i. */
export interface GeneratorBlock {
  /** Of what comes out, for one picture: h_{i+1}, and the picture itself from the last block. */
  readonly outputShape: readonly number[]
  /**
   * Pure. h: [batch, …]; c: one-hot labels [batch, classes], null where the generator takes none; weights: every tensor of the
   * generator, in its order. What it computes for one picture must not depend on the others of its batch.
   */
  apply(h: Tensor, c: Tensor | null, weights: readonly Tensor[]): Tensor
}

/** What a generator is made of: docs/generators.md. */
export interface GeneratorParts {
  readonly name: string
  readonly latentDim: number
  /** True: blocks get one-hot labels [batch, classes]. */
  readonly conditional: boolean
  readonly classes: number
  /** For the report: which data, which part of them. */
  readonly trainedOn: string
  /** At least three: the first takes latents [batch, latentDim], the last gives pictures in [0, 1]. */
  readonly blocks: readonly GeneratorBlock[]
  /** In the order that blocks expect. The generator disposes them. */
  readonly weights: readonly Tensor[]
  /** See record-hash.ts. Left out: they are not known. */
  readonly trainingRecords?: Iterable<string>
  readonly projection?: Projection | null
}

/** Blocks as an audit uses them. `hash` is the SHA-256 of what they were made from. */
export function layeredGenerator(parts: GeneratorParts, hash: string): LayeredGenerator {
  const { name, latentDim, conditional, classes, trainedOn, blocks, weights } = parts
  const last = blocks.length - 1
  const block: LayeredGenerator['block'] = (...[i, h, c, own = weights]) =>
    blocks[i]!.apply(h, conditional ? c : null, own)
  return {
    ...{ name, hash, latentDim, conditional, classes, trainedOn, weights, block },
    lastFeature: last,
    imageShape: blocks[last]!.outputShape,
    trainingRecords: new Set(parts.trainingRecords ?? []),
    projection: parts.projection ?? null,
    featureShape: (i) => blocks[i - 1]!.outputShape,
    sample: (stream: Stream, batch: number) =>
      Float32Array.from({ length: batch * latentDim }, () => stream.normal()),
    run: (...[from, h, c, own]) => {
      let x = h
      for (let i = from; i <= last; i++) x = block(i, x, c, own)
      return x
    },
    dispose: () => tf.dispose([...weights]),
  }
}
