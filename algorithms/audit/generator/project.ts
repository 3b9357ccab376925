/**
 * The quality of a generator: how near it comes to held-out pictures when it sees them. The stages are those of GIFD with the
 * mean squared error of the pixels in place of a matching loss, so that the result bounds what an attack can reach with it.
 * Gifd specification §7.3, §8, §9.
 */
import type { Dataset, Examples } from '#data/dataset.js'
import { picturesOf, psnr, psnrOf } from '#algorithms/audit/metrics/pictures.js'
import { mean } from '#algorithms/audit/metrics/spread.js'
import { relativeBalls, projectRows, type RowBalls } from '#algorithms/audit/solvers/l1-ball.js'
import { warmUpCosine } from '#algorithms/audit/solvers/schedule.js'
import { batchOf } from '#algorithms/training/batch.js'
import { buildClientOptimizer, plainAdam } from '#algorithms/training/client-optimizer.js'
import type { Stream } from '#algorithms/tensor/stream.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { classMeans } from './class-means.js'
import type { LayeredGenerator, Projection } from './layered-generator.js'

/** Rates of the small audit: gifd specification §15. */
const [LATENT_RATE, FEATURE_RATE] = [0.1, 0.05]
const RHO = 0.2

interface ProjectionInput {
  readonly generator: LayeredGenerator
  /** Pictures that it was not trained on. */
  readonly held: Examples
  /** What it was trained on: the control is their class means. */
  readonly train: Dataset
  readonly stream: Stream
  /** Of one stage. Default 300. */
  readonly iterations?: number
  /** Random latents for each picture, the best of which counts. Default 4. */
  readonly restarts?: number
  /** After every iteration; throws to give up. */
  readonly onIteration?: () => void
}

/** Every picture once for each restart: all restarts of the first, then of the second … */
interface Fit {
  readonly generator: LayeredGenerator
  readonly pictures: Tensor
  readonly labels: Tensor
  readonly rows: number
  readonly iterations: number
  readonly onIteration: () => void
}

/** Mean squared error of each row. */
async function errorsOf(fit: Fit, stage: number, h: Tensor): Promise<Float32Array> {
  const errors = tf.tidy(() => {
    const made = tf.clipByValue(fit.generator.run(stage, h, labelsOf(fit)), 0, 1)
    return tf.mean(tf.reshape(tf.square(tf.sub(made, fit.pictures)), [fit.rows, -1]), 1)
  })
  const values = (await errors.data()) as Float32Array
  errors.dispose()
  return values
}
const labelsOf = ({ generator, labels }: Fit): Tensor | null =>
  generator.conditional ? labels : null

/** Every step brings its own rate. */
const optimizer = buildClientOptimizer(plainAdam(LATENT_RATE))

/** Takes steps from `start` and returns where they end. Disposes `start`. */
async function fitStage(fit: Fit, stage: number, start: Tensor): Promise<Tensor> {
  const { generator, pictures, iterations, rows } = fit
  const balls = stage === 0 ? null : relativeBalls((await start.data()) as Float32Array, rows, RHO)
  // Errors of different rows do not meet, so one sum fits each as if it were alone.
  const gradient = tf.grad((h) => {
    const difference = tf.sub(generator.run(stage, h, labelsOf(fit)), pictures)
    return tf.mul(tf.mean(tf.square(difference)), rows)
  })
  const rate = stage === 0 ? LATENT_RATE : FEATURE_RATE
  let h = start
  let state = optimizer.init([start])
  for (let k = 0; k < iterations; k++) {
    const learningRate = rate * warmUpCosine(k, iterations)
    const [moved, ...moments] = tf.tidy(() => {
      const input = { params: [h], gradients: [gradient(h)], state, learningRate, step: k + 1 }
      const after = optimizer.step(input)
      return [...after.params, ...after.state]
    })
    tf.dispose([h, ...state])
    state = moments
    h = await within(moved!, balls)
    fit.onIteration()
  }
  tf.dispose(state)
  return h
}

/** Each row inside its ball. Disposes `h` where it returns another tensor. */
async function within(h: Tensor, balls: RowBalls | null): Promise<Tensor> {
  if (balls === null) return h
  const inside = projectRows(await h.data(), balls)
  const { shape } = h
  h.dispose()
  return tf.tensor(inside, shape)
}

/** Fits by the latent, then by every feature: each row's error at the end of every stage. */
async function fitAll(fit: Fit, latents: Tensor): Promise<Float32Array[]> {
  const { generator } = fit
  const errors: Float32Array[] = []
  let h = latents
  for (let stage = 0; stage <= generator.lastFeature; stage++) {
    h = await fitStage(fit, stage, h)
    errors.push(await errorsOf(fit, stage, h))
    const next = tf.tidy(() => generator.block(stage, h, labelsOf(fit)))
    h.dispose()
    h = next
  }
  h.dispose()
  return errors
}

/** Mean over the pictures of the PSNR of the best restart. */
function meanPsnr(errors: Float32Array, restarts: number): number {
  const best = Array.from({ length: errors.length / restarts }, (_, i) =>
    Math.min(...errors.subarray(i * restarts, (i + 1) * restarts)),
  )
  return mean(best.map(psnrOf))
}

function classMeanPsnr({ source, indices }: Examples, train: Dataset): number {
  const pictures = picturesOf(source.features, source.inputShape)
  const means = picturesOf(classMeans(train), source.inputShape)
  return mean(Array.from(indices, (row) => psnr(pictures[row]!, means[source.labels[row]!]!)))
}

/** Mean PSNR of the held-out pictures, of which each has its own best restart and its own best stage. */
export async function project(input: ProjectionInput): Promise<Projection> {
  const { generator, held, train, stream, restarts = 4, iterations = 300 } = input
  const rows = held.indices.length * restarts
  const positions = Array.from({ length: rows }, (_, row) => Math.floor(row / restarts))
  const { x: pictures, y: labels } = batchOf(held, positions)
  try {
    const { onIteration = () => undefined } = input
    const fit = { generator, pictures, labels, rows, iterations, onIteration }
    const latents = tf.tensor(generator.sample(stream, rows), [rows, generator.latentDim])
    const errors = await fitAll(fit, latents)
    const best = errors.reduce((a, b) => a.map((error, row) => Math.min(error, b[row]!)))
    return {
      latent: meanPsnr(errors[0]!, restarts),
      stages: meanPsnr(best, restarts),
      classMean: classMeanPsnr(held, train),
    }
  } finally {
    tf.dispose([pictures, labels])
  }
}
