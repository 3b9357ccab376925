/**
 * GIFD with GGL's start: the feature stages go on from whichever latent matches best, evolved or descended to. Gifd specification
 * §9.5.
 */
import type { Attack } from '#algorithms/audit/attack.js'
import { evolutionIterations, evolvedLatents } from './evolution.js'
import { searchFromAll } from './feature-stages.js'
import { featureIterations } from './gifd.js'
import { GRADIENT_LATENTS, latentsOf } from './latent-search.js'
import { withScene } from './scene.js'
import { Search } from './search.js'
import { resultOf } from './selection.js'

export const gifdCma: Attack = {
  name: 'gifd-cma',
  needsGenerator: true,
  describes:
    "As gifd, from the best latent that either descent or evolution found, through the generator's features once.",
  iterations(budget, generator, earlier = []) {
    const isKnown = earlier.some((name) => GRADIENT_LATENTS.includes(name))
    const descent = isKnown ? 0 : budget.restarts * budget.stageIterations
    const evolution = earlier.includes('ggl') ? 0 : evolutionIterations(budget)
    return descent + evolution + featureIterations(budget, generator)
  },
  excluded: () => null,
  async run(input) {
    const search = new Search(input)
    const descended = await latentsOf(search)
    const found = await withScene(
      search,
      async (scene) => {
        const evolved = await evolvedLatents(scene)
        const starts = [...descended.trails, ...evolved.trails]
        const least = Math.min(...starts.map(({ end }) => end.matchLoss))
        const best = starts.findIndex(({ end }) => end.matchLoss === least)
        const who = best < descended.trails.length ? 'descent' : 'evolution'
        const trails = await searchFromAll(scene, best < 0 ? [] : starts.slice(best, best + 1))
        return { trails, note: `from the latent that ${who} found` }
      },
      descended.classes,
    )
    return resultOf(search, 'gifd-cma', { ...found, restarts: 1 })
  },
}
