import type { AttackResult } from '#algorithms/audit/attack.js'
import { totalVariation } from '#algorithms/audit/matching/regularisers.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { featuresOf } from './input-map.js'
import { greyStart, intoBox, pixelIterations, pixelRestarts } from './pixels.js'
import { descendFrom } from './restarts.js'
import { warmUpCosine } from './schedule.js'
import type { Descent, Search } from './search.js'

const RATE = 0.05
/** Next to nothing: it decides what features leave open. More of it costs 10 dB of a record that they determine. */
const TV = 1e-5

/** Features of one record that were read off; NaN where they are not known. */
interface LeakedFeatures {
  readonly block: number
  readonly features: Float32Array
}

/** Searches the picture that has these features: smooth where they leave it open. */
export async function fitFeatures(search: Search, leaked: LeakedFeatures): Promise<AttackResult> {
  const { features, block } = leaked
  const goal = tf.tensor(
    features.map((value) => (Number.isNaN(value) ? 0 : value)),
    [1, features.length],
  )
  const known = tf.tensor(
    features.map((value) => (Number.isNaN(value) ? 0 : 1)),
    goal.shape,
  )
  try {
    const result = await descendFrom(search, {
      name: 'analytic',
      restarts: pixelRestarts(search.input.budget),
      make: async () => featureDescent(search, { block, goal, known }),
    })
    return withNote(
      result,
      `${features.length} features of the record were read off, and a picture fitted to them`,
    )
  } finally {
    tf.dispose([goal, known])
  }
}

const withNote = (result: AttackResult, note: string): AttackResult => ({
  ...result,
  note: result.note === undefined ? note : `${note}; ${result.note}`,
})

function featureDescent(
  search: Search,
  goal: { readonly block: number; readonly goal: Tensor; readonly known: Tensor },
): Descent {
  const { problem, budget } = search.input
  const { params, settings } = problem.target
  const iterations = pixelIterations(budget)
  const scale = tf.tidy(() => tf.sum(tf.square(goal.goal)).dataSync()[0] ?? 0)
  return {
    ...{ stage: 0, iterations },
    start: [greyStart(search)],
    rate: (k) => RATE * warmUpCosine(k, iterations),
    objective: ([x]) => {
      const features = featuresOf(settings.model, params, { block: goal.block, x: x! })
      const apart = tf.sum<tf.Scalar>(tf.square(tf.mul(goal.known, tf.sub(features, goal.goal))))
      return tf.add(tf.div(apart, scale === 0 ? 1 : scale), tf.mul(TV, totalVariation(x!)))
    },
    show: ([x]) => ({ x: x!, y: problem.labels }),
    constrain: intoBox,
  }
}
