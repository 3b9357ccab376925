/**
 * GIFD: from latents through the generator's features, layer by layer. Fang et al., GIFD: A Generative Gradient Inversion
 * Method with Feature Domain Optimization, ICCV 2023, https://arxiv.org/abs/2308.04699. Gifd specification §8, §9.
 *
 * Unlike the authors' code: the picture of the best restart is returned, radii are relative, and what an attacker would take
 * who stops at the noise floor is told beside (§21).
 */
import type { Attack, AttackBudget } from '#algorithms/audit/attack.js'
import type { LayeredGenerator } from '#algorithms/audit/generator/layered-generator.js'
import { searchFromAll } from './feature-stages.js'
import { GRADIENT_LATENTS, latentsOf } from './latent-search.js'
import { withScene } from './scene.js'
import { Search } from './search.js'
import { resultOf } from './selection.js'

/** Of all feature stages, from one latent. */
export const featureIterations = (
  { stageIterations, radii }: AttackBudget,
  generator: LayeredGenerator | null,
): number => (generator?.lastFeature ?? 0) * stageIterations * radii.length

export const gifd: Attack = {
  name: 'gifd',
  needsGenerator: true,
  describes:
    "Searches the generator's latents, then its features layer by layer, each close to where the layer before ended.",
  iterations(budget, generator, earlier = []) {
    const isKnown = earlier.some((name) => GRADIENT_LATENTS.includes(name))
    const stages = budget.restarts * featureIterations(budget, generator)
    return stages + (isKnown ? 0 : budget.restarts * budget.stageIterations)
  },
  excluded: () => null,
  async run(input) {
    const search = new Search(input)
    const latents = await latentsOf(search)
    const trails = await withScene(
      search,
      (scene) => searchFromAll(scene, latents.trails),
      latents.classes,
    )
    const { restarts } = input.budget
    return { ...resultOf(search, 'gifd', { trails, restarts }), latents }
  },
}
