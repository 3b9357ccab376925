import type { Adapt } from '#algorithms/models/model.js'
import type { Extractor } from '#algorithms/models/extractor.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import type { PoolParts } from './pool.js'

/** The frozen network on the device. */
export interface Backbone {
  readonly extractor: Extractor
  /** In the order of the extractor's layout. */
  readonly params: readonly Tensor[]
}

/** q(x): features of the backbone as it is, [batch, D]. */
export const queriesFor = ({ extractor, params }: Backbone, x: Tensor): Tensor =>
  extractor.features(params, x)

/**
 * Scales and shifts every site by the mean of the chosen entries, input by input. `selection` S [batch, M]: 1/k for the
 * chosen entries of a row, else 0; S · Γ is then their mean, and a matrix product is what every backend differentiates.
 */
const adaptBy =
  ({ scales, shifts }: PoolParts, selection: Tensor): Adapt =>
  (site, z) => {
    const [scale, shift] = [scales[site], shifts[site]]
    if (scale === undefined || shift === undefined) return z
    return tf.add(tf.mul(z, spread(selection, scale, z)), spread(selection, shift, z))
  }

/** S · rows as [batch, 1, …, channels], so that it meets z [batch, …, channels]. */
function spread(selection: Tensor, rows: Tensor, z: Tensor): Tensor {
  const chosen = tf.matMul(selection, rows)
  if (z.rank === 2) return chosen
  const [batch = 0, channels = 0] = chosen.shape
  const between = Array.from({ length: z.rank - 2 }, () => 1)
  return tf.reshape(chosen, [batch, ...between, channels])
}

/** f(x): features of the adapted backbone, [batch, D]. Entries that are heads only leave the backbone as it is. */
export const adaptedFeatures = (
  { extractor, params }: Backbone,
  x: Tensor,
  chosen: { readonly pool: PoolParts; readonly selection: Tensor },
): Tensor => extractor.features(params, x, adaptBy(chosen.pool, chosen.selection))

/** Mean over the chosen heads of W · f + c: [batch, C]. */
export function headLogits({ weight, bias }: PoolParts, selection: Tensor, f: Tensor): Tensor {
  const [entries = 0, classes = 0, width = 0] = weight.shape
  const all = tf.matMul(f, tf.reshape(weight, [entries * classes, width]), false, true)
  const perEntry = tf.add(tf.reshape(all, [-1, entries, classes]), bias)
  return tf.sum(tf.mul(perEntry, tf.expandDims(selection, 2)), 1)
}
