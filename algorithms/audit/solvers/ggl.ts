/**
 * GGL: the generator's latents by evolution, squared distance. Li et al., Auditing Privacy Defenses in Federated Learning via
 * Generative Gradient Leakage, CVPR 2022, https://arxiv.org/abs/2203.15696. Gifd specification §12 number 7: separable CMA-ES
 * from 0, no tanh, no divergence.
 */
import type { Attack } from '#algorithms/audit/attack.js'
import { evolutionIterations, evolvedLatents } from './evolution.js'
import { knownClasses, trailBehind } from './latent-search.js'
import { withScene } from './scene.js'
import { Search } from './search.js'
import { resultOf } from './selection.js'

export const ggl: Attack = {
  name: 'ggl',
  needsGenerator: true,
  describes: "Searches the generator's latents by evolution, without gradients of the pictures.",
  iterations: evolutionIterations,
  excluded: () => null,
  async run(input) {
    const search = new Search(input)
    const latents = await withScene(search, evolvedLatents, knownClasses(input))
    const trails = latents.trails.map((trail) => trailBehind(trail))
    return { ...resultOf(search, 'ggl', { trails, restarts: 1 }), latents }
  },
}
