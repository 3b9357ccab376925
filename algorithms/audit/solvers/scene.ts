/**
 * A generator set up for one problem: which of its classes every slot has. Where its classes are not those of the task, the
 * class is searched for: gifd specification §9.7.
 */
import type { LayeredGenerator } from '#algorithms/audit/generator/layered-generator.js'
import { oneHot } from '#algorithms/tensor/one-hot.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { FederationError } from '#protocol/errors.js'
import { latentDescent, latentTensor } from './latent-descent.js'
import { newTrail, type Search } from './search.js'

export interface Scene {
  readonly search: Search
  readonly generator: LayeredGenerator
  /** Of every slot; null: it is not conditional. */
  readonly classes: Int32Array | null
  /** The same one-hot, [batch, the generator's classes]. */
  readonly condition: Tensor | null
}

/** Share of a stage's iterations that a class gets when it is searched for. */
const CLASS_SHARE = 0.1

export function generatorOf(search: Search): LayeredGenerator {
  const { generator } = search.input
  if (generator === null) {
    throw new FederationError('internal/bug', 'This attack needs a generator and was given none')
  }
  return generator
}

/** Sets the generator up, lets `work` use it, and clears up. `classes`: what an earlier search for classes found. */
export async function withScene<T>(
  search: Search,
  work: (scene: Scene) => Promise<T>,
  known?: Int32Array | null,
): Promise<T> {
  const generator = generatorOf(search)
  const classes = known === undefined ? await classesOf(search, generator) : known
  const condition = classes === null ? null : oneHot(classes, generator.classes)
  try {
    return await work({ search, generator, classes, condition })
  } finally {
    condition?.dispose()
  }
}

async function classesOf(search: Search, generator: LayeredGenerator): Promise<Int32Array | null> {
  if (!generator.conditional) return null
  const { labels } = search.input.problem.target
  const isUnknown = (label: number): boolean =>
    search.input.searchClasses === true || label >= generator.classes
  const unknown = [...new Set(labels)].filter(isUnknown)
  let classes: Int32Array = labels.map((label) => (isUnknown(label) ? 0 : label))
  for (const label of unknown) {
    const candidates = Array.from({ length: generator.classes }, (_, candidate) =>
      classes.map((known, slot) => (labels[slot] === label ? candidate : known)),
    )
    classes = await bestClasses({ search, generator }, candidates)
  }
  return classes
}

/** Tries each for a tenth of a stage, from the same latents, and takes the one of least matching loss. */
async function bestClasses(
  { search, generator }: Pick<Scene, 'search' | 'generator'>,
  candidates: readonly Int32Array[],
): Promise<Int32Array> {
  const { budget, stream } = search.input
  const iterations = classIterations(budget.stageIterations)
  const start = latentTensor(generator, generator.sample(stream, search.batch))
  let best = { classes: candidates[0]!, loss: Infinity }
  try {
    for (const classes of candidates) {
      const condition = oneHot(classes, generator.classes)
      const trail = newTrail(0)
      try {
        const scene = { search, generator, classes, condition }
        tf.dispose((await search.descend([trail], latentDescent(scene, start, iterations))) ?? [])
      } finally {
        condition.dispose()
      }
      const loss = trail.ends[0]?.matchLoss ?? Infinity
      if (loss < best.loss) best = { classes, loss }
    }
  } finally {
    start.dispose()
  }
  return best.classes
}

const classIterations = (stageIterations: number): number =>
  Math.max(1, Math.round(CLASS_SHARE * stageIterations))
