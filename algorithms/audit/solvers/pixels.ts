/** What the attacks on pixels share: the picture itself is the variable. Gifd specification §12. */
import type { AttackBudget } from '#algorithms/audit/attack.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import type { Search } from './search.js'

/** Against the stages of GIFD: as long as a generator with four of them takes (§15). */
const STAGES = 4
/** Pixels have few bad minima; what more restarts would find is not worth their time. */
const MOST_RESTARTS = 2

export const pixelIterations = ({ stageIterations }: AttackBudget): number =>
  STAGES * stageIterations
export const pixelRestarts = ({ restarts }: AttackBudget): number =>
  Math.min(MOST_RESTARTS, restarts)
export const allPixelIterations = (budget: AttackBudget): number =>
  pixelIterations(budget) * pixelRestarts(budget)

/** N(mean, deviation²) for every number of the pictures. */
export function noise(
  { input, shape }: Search,
  { mean, deviation }: { readonly mean: number; readonly deviation: number },
): Tensor {
  const values = Float32Array.from(
    { length: tf.util.sizeFromShape(shape) },
    () => mean + deviation * input.stream.normal(),
  )
  return tf.tensor(values, shape)
}

/** Standard normal in the scale of a model that subtracts 1/2 and divides by 1/4, which is about what preprocessing does. */
export const GREY_NOISE = { mean: 0.5, deviation: 0.25 } as const

/** Grey noise, in [0, 1]. */
export const greyStart = (search: Search): Tensor =>
  tf.tidy(() => tf.clipByValue(noise(search, GREY_NOISE), 0, 1))

/** After each step back into [0, 1]. */
export const intoBox = async (variables: readonly Tensor[]): Promise<Tensor[]> =>
  variables.map((one) => tf.clipByValue(one, 0, 1))
