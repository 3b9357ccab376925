/** LATENT: GIFD's stage 0 alone. Gifd specification §8, §12 number 6. */
import type { Attack } from '#algorithms/audit/attack.js'
import { latentsOf, trailBehind } from './latent-search.js'
import { Search } from './search.js'
import { resultOf } from './selection.js'

export const latent: Attack = {
  name: 'latent',
  needsGenerator: true,
  describes: "Searches the generator's latents by gradient descent for pictures that match.",
  iterations: ({ stageIterations, restarts }) => stageIterations * restarts,
  excluded: () => null,
  async run(input) {
    const search = new Search(input)
    const latents = await latentsOf(search)
    const trails = latents.trails.map((trail) => trailBehind(trail))
    const { restarts } = input.budget
    return { ...resultOf(search, 'latent', { trails, restarts }), latents }
  },
}
