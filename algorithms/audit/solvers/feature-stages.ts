/** Stages 1 … N: one feature of the generator after the other, each within an l1 ball around its start. Gifd specification §9. */
import type { LatentTrail } from '#algorithms/audit/attack.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { projectRows, relativeBalls, type RowBalls } from './l1-ball.js'
import { generatorLoss, latentTensor } from './latent-descent.js'
import { trailBehind } from './latent-search.js'
import type { Scene } from './scene.js'
import { warmUpCosine } from './schedule.js'
import type { Descent, Trail } from './search.js'

const RATE = 0.05

/** From each latent once with every radius of the budget. */
export async function searchFromAll(
  scene: Scene,
  starts: readonly LatentTrail[],
): Promise<readonly Trail[]> {
  const { radii } = scene.search.input.budget
  const trails: Trail[] = []
  for (const start of starts) {
    for (const radius of radii) trails.push(await searchFeatures(scene, start, radius))
  }
  return trails
}

/** Goes on from one latent through all stages; a stage whose loss is not finite ends it. */
async function searchFeatures(scene: Scene, from: LatentTrail, rho: number | null): Promise<Trail> {
  const { search, generator, condition } = scene
  const isChoice = search.input.budget.radii.length > 1
  const trail = trailBehind(from, isChoice ? `l1 radius: ${rho ?? 'none'}` : undefined)
  let h = tf.tidy(() => generator.block(0, latentTensor(generator, from.latent), condition))
  try {
    for (let stage = 1; stage <= generator.lastFeature; stage++) {
      const balls = relativeBalls((await h.data()) as Float32Array, search.batch, rho)
      const found = await search.descend([trail], featureDescent(scene, { stage, h, balls }))
      if (found === null) break
      const isLast = stage === generator.lastFeature
      const next = isLast ? null : tf.tidy(() => generator.block(stage, found[0]!, condition))
      tf.dispose([h, ...found])
      if (next === null) break
      h = next
    }
  } finally {
    h.dispose()
  }
  return trail
}

function featureDescent(
  scene: Scene,
  from: { readonly stage: number; readonly h: Tensor; readonly balls: RowBalls },
): Descent {
  const { search, generator, condition } = scene
  const { stage, h, balls } = from
  const iterations = search.input.budget.stageIterations
  const picture = ([feature]: readonly Tensor[]): Tensor =>
    generator.run(stage, feature!, condition)
  return {
    stage,
    start: [h],
    iterations,
    rate: (k) => RATE * warmUpCosine(k, iterations),
    objective: (variables) => generatorLoss(scene, picture(variables)),
    show: (variables) => ({ x: picture(variables), y: search.input.problem.labels }),
    ...(balls.radii.every((radius) => radius <= 0)
      ? {}
      : {
          constrain: async ([moved]) => [
            tf.tensor(projectRows((await moved!.data()) as Float32Array, balls), h.shape),
          ],
        }),
  }
}
