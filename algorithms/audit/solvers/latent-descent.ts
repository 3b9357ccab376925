/** Stage 0: a search among the generator's latents by gradients. Gifd specification §8. */
import type { LayeredGenerator } from '#algorithms/audit/generator/layered-generator.js'
import { totalVariation } from '#algorithms/audit/matching/regularisers.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { warmUpCosine } from './schedule.js'
import type { Scene } from './scene.js'
import type { Descent } from './search.js'

/** Weight of the total variation for generators, in [0, 1] space (§15). */
const GENERATOR_TV = 1e-3
const RATE = 0.1

/** [batch, latentDim] */
export const latentTensor = (generator: LayeredGenerator, latent: Float32Array): Tensor =>
  tf.tensor(latent, [latent.length / generator.latentDim, generator.latentDim])

/** D + TV of pictures: what every generative attack makes small. */
export function generatorLoss({ search }: Pick<Scene, 'search'>, x: Tensor): tf.Scalar {
  const { problem } = search.input
  const distance = problem.loss(x, problem.labels, 'cosine')
  return tf.add(distance, tf.mul(GENERATOR_TV, totalVariation(x)))
}

/** From these latents, [batch, latentDim]. */
export function latentDescent(scene: Scene, start: Tensor, iterations: number): Descent {
  const { search, generator, condition } = scene
  const picture = ([z]: readonly Tensor[]): Tensor => generator.run(0, z!, condition)
  return {
    stage: 0,
    start: [start],
    iterations,
    rate: (k) => RATE * warmUpCosine(k, iterations),
    objective: (variables) => generatorLoss(scene, picture(variables)),
    show: (variables) => ({ x: picture(variables), y: search.input.problem.labels }),
  }
}
