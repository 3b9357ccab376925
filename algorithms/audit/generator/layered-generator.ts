import type { Stream } from '#protocol/random.js'
import type { Tensor } from '#algorithms/tensor/tf.js'

/** Mean PSNR of held-out pictures, in dB: gifd specification §7.3. */
export interface Projection {
  /** Fitted by the latent alone. */
  readonly latent: number
  /** Fitted by the latent, then by every feature. */
  readonly stages: number
  /** Of the mean picture of the class, which needs no generator. */
  readonly classMean: number
}

/** Below this gain of the latent over the class mean, in dB, a generator tells an attacker nothing: gifd specification §7.3. */
const INFORMATIVE_GAIN = 1
export const isInformative = ({ latent, classMean }: Projection): boolean =>
  latent >= classMean + INFORMATIVE_GAIN

/**
 * A generator in blocks, G = G_N ∘ … ∘ G_0: h_1 = G_0(z, c), h_{i+1} = G_i(h_i, c), picture = G_N(h_N, c), in [0, 1]. Pure,
 * deterministic, differentiable once. Gifd specification §2 and §7.2.
 */
export interface LayeredGenerator {
  readonly name: string
  /** SHA-256 of what it was made from: its file. */
  readonly hash: string
  readonly latentDim: number
  /** N: searchable features are h_1 … h_N, so that there are N + 1 blocks. */
  readonly lastFeature: number
  /** True: takes one-hot labels [batch, classes]. */
  readonly conditional: boolean
  readonly classes: number
  /** [height, width, channels] */
  readonly imageShape: readonly number[]
  /** What it was trained on, for the report. */
  readonly trainedOn: string
  /** Of every picture it was trained on, so that none of them is audited (see record-hash.ts). Empty: they are not known. */
  readonly trainingRecords: ReadonlySet<string>
  /** How well it fits held-out pictures when it sees them. Null: not measured. */
  readonly projection: Projection | null
  /** Of h_i for one picture, 1 ≤ i ≤ N. */
  featureShape(i: number): readonly number[]
  /** Latents of the prior, [batch, latentDim]. */
  sample(stream: Stream, batch: number): Float32Array
  /** G_i alone, 0 ≤ i ≤ N; `weights` in place of its own (GIAS moves them). Call inside tf.tidy. */
  block(i: number, h: Tensor, c: Tensor | null, weights?: readonly Tensor[]): Tensor
  /** G_N ∘ … ∘ G_from. Call inside tf.tidy. */
  run(from: number, h: Tensor, c: Tensor | null, weights?: readonly Tensor[]): Tensor
  /** Its own weights, for as long as it lives. */
  readonly weights: readonly Tensor[]
  dispose(): void
}
