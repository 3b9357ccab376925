/**
 * GIAS: from the latents that were found on, the generator's own weights are the variables, a copy for every picture. Jeon et al.,
 * Gradient Inversion with Generative Image Prior, NeurIPS 2021, https://arxiv.org/abs/2110.14962. Gifd specification §12 number 8,
 * with the rates of the small generator.
 */
import type { Attack, LatentTrail } from '#algorithms/audit/attack.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { generatorLoss, latentTensor } from './latent-descent.js'
import { GRADIENT_LATENTS, latentsOf, trailBehind } from './latent-search.js'
import { withScene, type Scene } from './scene.js'
import { stepDecay } from './schedule.js'
import { Search, type Descent, type Trail } from './search.js'
import { resultOf } from './selection.js'

const RATE = 1e-3
/** Against those of a stage. */
const LENGTH = 3
/** Behind the latents, which are stage 0. */
const WEIGHTS_STAGE = 1

/** Picture by picture, each by weights of its own: `variables` are the weights of the first, then those of the second, … */
function pictures(
  { generator, condition }: Scene,
  z: Tensor,
  variables: readonly Tensor[],
): Tensor {
  const count = generator.weights.length
  const [batch = 0] = z.shape
  const row = (of: Tensor, i: number): Tensor => tf.slice(of, [i, 0], [1, of.shape[1]!])
  const each = Array.from({ length: batch }, (_, i) =>
    generator.run(
      0,
      row(z, i),
      condition === null ? null : row(condition, i),
      variables.slice(i * count, (i + 1) * count),
    ),
  )
  return tf.concat(each, 0)
}

function weightDescent(scene: Scene, z: Tensor): Descent {
  const { search, generator } = scene
  const iterations = LENGTH * search.input.budget.stageIterations
  const picture = (variables: readonly Tensor[]): Tensor => pictures(scene, z, variables)
  return {
    ...{ stage: WEIGHTS_STAGE, iterations },
    start: Array.from({ length: search.batch }, () => generator.weights).flat(),
    rate: (k) => RATE * stepDecay(k, iterations),
    objective: (variables) => generatorLoss(scene, picture(variables)),
    show: (variables) => ({ x: picture(variables), y: search.input.problem.labels }),
  }
}

async function moveWeights(scene: Scene, from: LatentTrail): Promise<Trail> {
  const trail = trailBehind(from)
  const z = latentTensor(scene.generator, from.latent)
  try {
    tf.dispose((await scene.search.descend([trail], weightDescent(scene, z))) ?? [])
  } finally {
    z.dispose()
  }
  return trail
}

export const gias: Attack = {
  name: 'gias',
  needsGenerator: true,
  describes:
    "Searches the generator's latents, then changes the generator itself for each picture.",
  iterations({ stageIterations, restarts }, _generator, earlier = []) {
    const isKnown = earlier.some((name) => GRADIENT_LATENTS.includes(name))
    return (LENGTH + (isKnown ? 0 : 1)) * stageIterations * restarts
  },
  excluded: () => null,
  async run(input) {
    const search = new Search(input)
    const latents = await latentsOf(search)
    const trails: Trail[] = []
    await withScene(
      search,
      async (scene) => {
        for (const start of latents.trails) trails.push(await moveWeights(scene, start))
      },
      latents.classes,
    )
    const { restarts } = input.budget
    return { ...resultOf(search, 'gias', { trails, restarts }), latents }
  },
}
