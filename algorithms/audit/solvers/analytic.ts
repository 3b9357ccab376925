/**
 * The analytic leak: what a dense layer's gradients say outright. Where it is the first layer, its inputs are the pictures; behind
 * convolutions they are features, to which a picture is fitted. Gifd specification §12 number 1: tried first, for where it
 * succeeds nothing else matters.
 */
import type { Attack, AttackResult } from '#algorithms/audit/attack.js'
import type { MatchingProblem } from '#algorithms/audit/matching/problem.js'
import { joined } from '#algorithms/audit/metrics/pictures.js'
import { tf } from '#algorithms/tensor/tf.js'
import { fitFeatures } from './feature-leak.js'
import { firstDense, pixelMap, pixelsOf, type DensePlace, type PixelMap } from './input-map.js'
import { repeatedLeaks, singleLeaks, type DenseGradient } from './linear-leak.js'
import { allPixelIterations } from './pixels.js'
import { newTrail, Search, type Shown, type Trail } from './search.js'
import { resultOf } from './selection.js'

async function denseGradient(
  { target }: MatchingProblem,
  { kernel }: DensePlace,
): Promise<DenseGradient> {
  const [weights, bias, support] = await Promise.all(
    [target.observed[kernel]!, target.observed[kernel + 1]!, target.support?.[kernel]].map(
      async (tensor) => (tensor === undefined ? null : ((await tensor.data()) as Float32Array)),
    ),
  )
  return { kernel: weights!, bias: bias!, support: support ?? null }
}

/** Of one picture, how far its numbers lie outside of [0, 1], summed. */
const fault = (picture: Float32Array): number =>
  picture.reduce((sum, value) => sum + Math.max(0, -value, value - 1), 0)

/** Batches of pictures that the layer tells, [batch, …] one after another. */
function readOff(gradient: DenseGradient, batch: number, map: PixelMap): readonly Float32Array[] {
  const single = singleLeaks(gradient).map((features) => pixelsOf(map, features))
  if (batch === 1) return single
  const [mixture] = single
  if (mixture === undefined) return []
  const found = repeatedLeaks(gradient, batch, (features) => fault(pixelsOf(map, features)))
  const pictures = found.map((features) => pixelsOf(map, features))
  while (pictures.length < batch) pictures.push(mixture)
  return [joined(pictures)]
}

async function trailsOf(search: Search, batches: readonly Float32Array[]): Promise<Trail[]> {
  const trails: Trail[] = []
  for (const [restart, pictures] of batches.entries()) {
    const trail = newTrail(restart)
    const { loss, images } = await search.score(() => shown(search, pictures))
    trails.push(trail)
    if (!Number.isFinite(loss)) continue
    trail.ends.push(search.note(trail, { stage: 0, matchLoss: loss, restart, images }))
  }
  return trails
}

const shown = ({ input, shape }: Search, pictures: Float32Array): Shown => ({
  x: tf.tensor(pictures, shape),
  y: input.problem.labels,
})

async function fromPictures(
  search: Search,
  gradient: DenseGradient,
  map: PixelMap,
): Promise<AttackResult> {
  const batches = readOff(gradient, search.batch, map)
  if (batches.length === 0) return resultOf(search, 'analytic', { trails: [], ...NOTHING })
  const trails = await trailsOf(search, batches)
  return resultOf(search, 'analytic', { trails, restarts: trails.length })
}

const NOTHING = { restarts: 0, note: 'no unit of the dense layer learned anything' } as const

export const analytic: Attack = {
  name: 'analytic',
  needsGenerator: false,
  describes:
    "Reads records, or features of them, off the gradients of the model's first dense layer.",
  iterations: allPixelIterations,
  excluded({ target: { settings } }) {
    const place = firstDense(settings.model)
    if (place === null) return 'the model has no dense layer with a bias'
    const isFirst = settings.model.blocks
      .slice(0, place.block)
      .every(({ params }) => params.length === 0)
    return isFirst || settings.batch === 1
      ? null
      : 'the first dense layer is behind others, and tells features of single records only'
  },
  async run(input) {
    const search = new Search(input)
    const { problem } = input
    const { model } = problem.target.settings
    const place = firstDense(model)
    if (place === null) {
      return resultOf(search, 'analytic', { trails: [], restarts: 0, note: 'no dense layer' })
    }
    const gradient = await denseGradient(problem, place)
    const map = await pixelMap(model, problem.target.params, place.block)
    if (map !== null) return fromPictures(search, gradient, map)
    const [features] = search.batch === 1 ? singleLeaks(gradient) : []
    if (features === undefined) return resultOf(search, 'analytic', { trails: [], ...NOTHING })
    return fitFeatures(search, { block: place.block, features })
  },
}
