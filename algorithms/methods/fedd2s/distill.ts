/** Training of a head on a round's activations, and what it then says of them (fedd2s specification §6.2, §7 steps 5 to 7). */
import type { Streams } from '#algorithms/tensor/stream.js'
import { crossEntropy } from '#algorithms/tensor/ops.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { forBatches } from '#algorithms/evaluation/evaluate.js'
import { holding } from '#algorithms/methods/local-training.js'
import { toTensors } from '#algorithms/models/params.js'
import type { Objective } from '#algorithms/training/objective.js'
import { trainObjective } from '#algorithms/training/train.js'
import type { FedD2SSetup } from './architectures.js'
import { divergenceOf, distribution, logDistribution } from './collector.js'
import { crossEntropies, divergences, weightedMean, type Softness } from './divergence.js'
import type { FedD2SHyper } from './hyper.js'
import type { Pool } from './pool.js'
import type { Head } from './split.js'

/** What the head of one group learns from in a round. */
export interface HeadRound {
  readonly head: Head
  readonly params: Float32Array
  readonly pool: Pool
  /** r, from 0. */
  readonly round: number
  readonly isStageStart: boolean
  /** Number of the group: groups draw different batches. */
  readonly group: number
}
export interface TrainedHead {
  readonly params: Float32Array
  /** [rows, C]: σ_T of the trained head; rows sum to 1. */
  readonly softLabels: Float32Array
  /** Mean loss over the last epoch, each batch before its step. */
  readonly loss: number
  /** Of the trained head over the pool, in nats, every row counting once. */
  readonly crossEntropy: number
  /** T² · KL(teacher ‖ trained head) over the pool; 0 without a teacher. */
  readonly divergence: number
}

/** Moves a head towards labels and teacher. The params that it is given stay as they are. */
export async function trainHead(setup: FedD2SSetup, given: HeadRound): Promise<TrainedHead> {
  const { config, hyper, streams } = setup
  const { head, params, pool, round, group } = given
  const teacher = await teacherFor(hyper, given)
  const trained = await trainObjective({
    objective: headObjective(head, { ...hyper, teacher, weights: pool.weights }),
    ...{ start: params, examples: pool.examples, training: serverTraining(setup) },
    ...{ streams: serverStreams(streams), round: round + 1, rounds: config.rounds, slot: group },
  })
  const said = await saidBy(head, trained.params, { pool, teacher, softness: hyper })
  return { params: trained.params, loss: trained.loss, ...said }
}

/** Of the server's own, so that it never draws from a generator of a client's. */
const serverStreams =
  (streams: Streams): Streams =>
  (purpose, index, slot) =>
    streams(`fedd2s-server-${purpose}`, index, slot)

function serverTraining({ config: { training }, hyper }: FedD2SSetup): typeof training {
  const { serverEpochs, serverBatchSize, serverLearningRate } = hyper
  const learningRate = serverLearningRate ?? training.optimizer.learningRate
  return {
    ...{ localEpochs: serverEpochs, batchSize: serverBatchSize },
    optimizer: { ...training.optimizer, learningRate },
  }
}

/** p_i, [rows, C]: null where the KL term counts nothing. An untouched head whose blocks are new has nothing to say. */
async function teacherFor(
  { serverTeacher, serverDivergence, temperature }: FedD2SHyper,
  { head, params, pool, isStageStart }: HeadRound,
): Promise<Float32Array | null> {
  if (serverDivergence === 0 || serverTeacher === 'none') return null
  if (serverTeacher === 'local') return pool.teacher
  if (isStageStart) return null
  const snapshot = await logitsOf(head, params, pool)
  return rowByRow(snapshot, pool, (row) => distribution(row, temperature))
}

export interface HeadTraining extends Softness, Pick<FedD2SHyper, 'serverDivergence'> {
  /** [rows, C]; null: cross-entropy alone. */
  readonly teacher: Float32Array | null
  /** By row; null: all 1. */
  readonly weights: Float32Array | null
}

/** (1/B) Σ w_i [ CE(y_i, u_i) + λ_s T² KL(p_i ‖ σ_T(u_i)) ] over the params of a head. */
export function headObjective(head: Head, training: HeadTraining): Objective {
  const { teacher, weights, serverDivergence } = training
  return {
    ...head.layout,
    tallies: [],
    on({ x, y, positions }) {
      const p = teacher === null ? null : rowsAt(teacher, positions, y.shape[1] ?? 1)
      const w = weights === null ? null : tf.reshape(rowsAt(weights, positions, 1), [-1])
      const mean = (values: Tensor): tf.Scalar =>
        w === null ? tf.mean<tf.Scalar>(values) : weightedMean(values, w)
      return {
        loss(params) {
          const logits = head.logits(params, x)
          const ce =
            w === null ? (crossEntropy(logits, y) as tf.Scalar) : mean(crossEntropies(logits, y))
          if (p === null) return ce
          const kl = mean(divergences(logits, p, training))
          return tf.add<tf.Scalar>(ce, tf.mul(serverDivergence, kl))
        },
      }
    },
  }
}

function rowsAt(values: Float32Array, places: Int32Array, width: number): Tensor {
  const rows = new Float32Array(places.length * width)
  places.forEach((place, i) =>
    rows.set(values.subarray(place * width, (place + 1) * width), i * width),
  )
  return tf.tensor(rows, [places.length, width])
}

/** [rows, C] */
async function logitsOf(head: Head, params: Float32Array, { examples }: Pool) {
  const { count, classes } = examples.source
  const logits = new Float32Array(count * classes.length)
  await holding(toTensors(head.layout, params), (tensors) =>
    forBatches(
      (z) => head.logits(tensors, z),
      examples,
      (values, row) => logits.set(values, row * classes.length),
    ),
  )
  return logits
}

interface Listening {
  readonly pool: Pool
  readonly teacher: Float32Array | null
  readonly softness: Softness
}

async function saidBy(
  head: Head,
  params: Float32Array,
  { pool, teacher, softness }: Listening,
): Promise<Pick<TrainedHead, 'softLabels' | 'crossEntropy' | 'divergence'>> {
  const { count, labels, classes } = pool.examples.source
  const logits = await logitsOf(head, params, pool)
  const rowOf = (values: Float32Array, row: number): Float32Array =>
    values.subarray(row * classes.length, (row + 1) * classes.length)
  let [ce, kl] = [0, 0]
  labels.forEach((label, row) => {
    const own = rowOf(logits, row)
    ce -= logDistribution(own, 1)[label]!
    if (teacher !== null) kl += divergenceOf(own, rowOf(teacher, row), softness)
  })
  const softLabels = rowByRow(logits, pool, (row) => distribution(row, softness.temperature))
  return { softLabels, crossEntropy: ce / count, divergence: kl / count }
}

function rowByRow(
  values: Float32Array,
  { examples }: Pool,
  change: (row: Float32Array) => ArrayLike<number>,
): Float32Array {
  const width = examples.source.classes.length
  const changed = new Float32Array(values.length)
  for (let at = 0; at < values.length; at += width)
    changed.set(change(values.subarray(at, at + width)), at)
  return changed
}
