import type { Stream } from '#protocol/random.js'
import { rowsByClass } from './by-class.js'
import { logGamma, proportionsOf } from './gamma.js'
import type { Partitioner, PartitionRequest } from './partitioner.js'

/** What is left over leaves at least 2 to train on at the largest test fraction, 0.9. */
const FEWEST = 11

/** The shuffled rows of a class, and how many are given out. */
interface Pool {
  readonly rows: Int32Array
  given: number
}

/** The place that a number from 0 to 1 falls on, where places are as long as their proportions. */
function placeOf(proportions: Float64Array, uniform: number): number {
  let [sum, last] = [0, 0]
  for (const [place, proportion] of proportions.entries()) {
    if (proportion === 0) continue
    sum += proportion
    last = place
    if (uniform < sum) return place
  }
  // Rounding can leave the sum just below 1.
  return last
}

/** Takes the rows of one client out of the pools. `logs`: logarithms of its proportions, up to a constant. */
function take(pools: readonly Pool[], stream: Stream, { size, logs }: Mix): Int32Array {
  const left = logs.map((log, label) => (isEmpty(pools[label]!) ? -Infinity : log))
  let proportions = proportionsOf(left)
  return Int32Array.from({ length: size }, () => {
    const label = placeOf(proportions, stream.uniform())
    const pool = pools[label]!
    const row = pool.rows[pool.given++]!
    if (isEmpty(pool)) {
      left[label] = -Infinity
      proportions = proportionsOf(left)
    }
    return row
  })
}

const isEmpty = ({ rows, given }: Pool): boolean => given === rows.length

/** How many rows a client gets, and of which classes. */
interface Mix {
  readonly size: number
  readonly logs: Float64Array
}

function drawMix(
  stream: Stream,
  { classes, parameter: alpha, labels, clients, min, max }: PartitionRequest,
): Mix {
  const most = Math.min(max, Math.floor(labels.length / clients))
  const size = min + stream.integer(most - min + 1)
  return { size, logs: Float64Array.from({ length: classes }, () => logGamma(stream, alpha)) }
}

/**
 * Label skew client by client, the recipe of the fedd2s specification (§11): each client draws its own class mix
 * π ~ Dirichlet(alpha) over the classes and its own number of rows, uniform in `min` … `max`; then its rows one by one, with
 * labels ~ π, without replacement. A class that has run out for all is left out and π renormalised. Clients come in order, so
 * the later ones meet the scarcer classes: give plenty of rows, and a `max` (default: an equal share of them).
 *
 * Not `dirichlet`: there, each class is divided among the clients, all rows are given out, and sizes follow from that. Here
 * the mix of a client does not depend on how many clients there are, and rows that nobody drew belong to nobody.
 *
 * Where the recipe draws a client with fewer than 2 training rows anew, nobody has so few here: `min` is at least 11, which
 * leaves 2 at any test fraction. Symbols: alpha = `parameter`, K_n = `size`, π_n = `proportions`.
 */
export const labelSkew: Partitioner = {
  name: 'label-skew',
  usage: 'label-skew:ALPHA[:min=N][:max=N][:seed=N]',
  summary: "label skew: a class mix of each client's own; rows left over belong to nobody",
  parameter: { label: 'ALPHA', above: 0, max: 1e6, whole: false },
  takesMin: true,
  takesMax: true,
  fewest: FEWEST,
  leavesRows: true,
  fewestRows: ({ clients, min, max }) => clients * (max === Infinity ? min : max),
  split: (request) => {
    const { labels, classes, clients, stream } = request
    const pools = rowsByClass(labels, classes).map((rows, label): Pool => ({
      rows: stream(0, label).shuffle(rows),
      given: 0,
    }))
    return Array.from({ length: clients }, (_, client) => {
      const own = stream(1, client)
      return take(pools, own, drawMix(own, request))
    })
  },
}
