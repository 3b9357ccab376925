/** Restarts of the latent search, and where an earlier attack has made them already. Gifd specification §8, §9.5. */
import type {
  AttackInput,
  AttackName,
  AttackResult,
  LatentSearchResult,
  LatentTrail,
} from '#algorithms/audit/attack.js'
import type { Tensor } from '#algorithms/tensor/tf.js'
import { latentDescent, latentTensor } from './latent-descent.js'
import { withScene, type Scene } from './scene.js'
import { newTrail, type Search, type Trail } from './search.js'

/** Attacks whose latents come from gradients. */
export const GRADIENT_LATENTS: readonly AttackName[] = ['latent', 'gifd', 'gias']

export const earlierLatents = (
  earlier: readonly AttackResult[] | undefined,
  names: readonly AttackName[],
): LatentSearchResult | undefined =>
  earlier?.find(({ name, latents }) => names.includes(name) && latents !== undefined)?.latents

/** The work that finding them took counts for whoever uses them. */
export async function latentsOf(search: Search): Promise<LatentSearchResult> {
  const known = earlierLatents(search.input.earlier, GRADIENT_LATENTS)
  if (known !== undefined) {
    search.reuse(known)
    return known
  }
  return withScene(search, searchLatents, knownClasses(search.input))
}

/** Classes that an earlier attack has searched for; undefined: none has. */
export const knownClasses = ({ earlier }: AttackInput): Int32Array | null | undefined =>
  earlierLatents(earlier, [...GRADIENT_LATENTS, 'ggl'])?.classes

async function searchLatents(scene: Scene): Promise<LatentSearchResult> {
  const { search, classes } = scene
  const trails: LatentTrail[] = []
  for (let restart = 0; restart < search.input.budget.restarts; restart++) {
    const found = await latentRestart(scene, restart)
    if (found !== null) trails.push(found)
  }
  const { iterations, gradientEvaluations, seconds } = search
  return { trails, classes, iterations, gradientEvaluations, seconds }
}

async function latentRestart(scene: Scene, restart: number): Promise<LatentTrail | null> {
  const { search, generator } = scene
  const { stream, budget } = search.input
  const drawn = await search.draw(async () => {
    const start = latentTensor(generator, generator.sample(stream, search.batch))
    return latentDescent(scene, start, budget.stageIterations)
  })
  if (drawn === null) return null
  const trail = newTrail(restart)
  try {
    const found = await search.descend([trail], drawn)
    return found === null ? null : await latentTrail(trail, found)
  } finally {
    for (const start of drawn.start) start.dispose()
  }
}

async function latentTrail(trail: Trail, [z]: readonly Tensor[]): Promise<LatentTrail | null> {
  const { restart, curve, atFloor, iterations } = trail
  const end = trail.ends.at(-1)
  try {
    if (z === undefined || end === undefined) return null
    const latent = Float32Array.from((await z.data()) as Float32Array)
    return { restart, latent, end, atFloor, curve, iterations }
  } finally {
    z?.dispose()
  }
}

/** The restart, as it goes on behind its latents. */
export const trailBehind = (from: LatentTrail, label?: string): Trail => {
  const { restart, iterations, curve, end, atFloor } = from
  const named = label === undefined ? {} : { label }
  return { ...named, restart, iterations, curve: [...curve], ends: [end], atFloor }
}
