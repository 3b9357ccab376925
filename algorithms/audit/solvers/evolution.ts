/** GGL's search for latents: without gradients, by evolution. Gifd specification §12 number 7. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { AttackBudget, LatentSearchResult, LatentTrail } from '#algorithms/audit/attack.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { SeparableCmaEs } from './cma-es.js'
import { latentTensor } from './latent-descent.js'
import { earlierLatents } from './latent-search.js'
import type { Scene } from './scene.js'
import { newTrail, PULSE, type Trail } from './search.js'

/** So many candidates, whose losses are not differentiated, are as much work as one iteration of a descent. */
const CANDIDATES = 3

const chunksOf = (population: number): number => Math.ceil(population / CANDIDATES)

export const evolutionIterations = ({ cmaGenerations, cmaPopulation }: AttackBudget): number =>
  cmaGenerations * chunksOf(cmaPopulation)

interface Best {
  readonly latent: Float32Array
  readonly loss: number
}

/** The best of all candidates of all generations; the work of an earlier one counts as work of this one. */
export async function evolvedLatents(scene: Scene): Promise<LatentSearchResult> {
  const { search, classes } = scene
  const known = earlierLatents(search.input.earlier, ['ggl'])
  if (known !== undefined) {
    search.reuse(known)
    return known
  }
  const before = {
    ...{ iterations: search.iterations, gradientEvaluations: search.gradientEvaluations },
    seconds: search.seconds,
  }
  const found = await evolve(scene)
  return {
    trails: found === null ? [] : [found],
    classes,
    iterations: search.iterations - before.iterations,
    gradientEvaluations: search.gradientEvaluations - before.gradientEvaluations,
    seconds: search.seconds - before.seconds,
  }
}

async function evolve(scene: Scene): Promise<LatentTrail | null> {
  const { search, generator } = scene
  const { budget, stream } = search.input
  const size = search.batch * generator.latentDim
  const evolution = new SeparableCmaEs({ size, population: budget.cmaPopulation })
  const trail = newTrail(0)
  const pulse = Math.ceil(PULSE / chunksOf(budget.cmaPopulation))
  let best: Best = { latent: new Float32Array(size), loss: Infinity }
  for (let generation = 0; generation < budget.cmaGenerations; generation++) {
    const candidates = evolution.ask(stream).map((one) => Float32Array.from(one))
    const losses = await lossesOf(scene, trail, candidates)
    evolution.tell(losses)
    losses.forEach((loss, i) => {
      if (loss < best.loss) best = { latent: candidates[i]!, loss }
    })
    if (generation % pulse === 0 && best.loss < Infinity) await note(scene, trail, best)
  }
  if (best.loss === Infinity) return null
  const end = await note(scene, trail, best)
  if (!Number.isFinite(end.matchLoss)) return null
  const { restart, curve, iterations, atFloor } = trail
  return { restart, latent: best.latent, end, atFloor, curve, iterations }
}

/** Puts the best so far on the curve. */
async function note({ search, ...scene }: Scene, trail: Trail, { latent }: Best) {
  const { loss, images } = await search.score(() => ({
    x: scene.generator.run(0, latentTensor(scene.generator, latent), scene.condition),
    y: search.input.problem.labels,
  }))
  if (Number.isFinite(loss)) trail.curve.push({ iteration: trail.iterations, loss })
  return search.note(trail, { stage: 0, matchLoss: loss, restart: trail.restart, images })
}

async function lossesOf(
  scene: Scene,
  trail: Trail,
  candidates: readonly Float32Array[],
): Promise<number[]> {
  const losses: number[] = []
  for (let first = 0; first < candidates.length; first += CANDIDATES) {
    const some = candidates.slice(first, first + CANDIDATES)
    const distances = tf.tidy(() => tf.stack(pictures(scene, some).map((x) => distance(scene, x))))
    losses.push(...(await distances.data()))
    distances.dispose()
    trail.iterations += 1
    scene.search.count(1, some.length)
  }
  await nextTurn()
  return losses
}

/** All at once through the generator, then one by one. */
function pictures({ generator, condition }: Scene, some: readonly Float32Array[]): Tensor[] {
  const z = tf.concat(some.map((latent) => latentTensor(generator, latent)))
  const c = condition === null ? null : tf.concat(some.map(() => condition))
  return tf.split(generator.run(0, z, c), some.length, 0)
}

/** Squared, as GGL's; that it is relative changes no order. */
const distance = ({ search: { input } }: Scene, x: Tensor): tf.Scalar =>
  input.problem.loss(x, input.problem.labels, 'relative')
