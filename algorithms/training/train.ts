/**
 * Local training: what a node, a simulation worker and an audit run alike. The same inputs on the same backend and thread
 * count give the same bytes.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { FederationError } from '#protocol/errors.js'
import type { Slot } from '#protocol/ids.js'
import type { TrainingConfig } from '#protocol/run-config.js'
import type { Examples } from '#data/dataset.js'
import type { Model } from '#algorithms/models/model.js'
import { readParams, toTensors } from '#algorithms/models/params.js'
import type { Streams } from '#algorithms/tensor/stream.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { batchOf } from './batch.js'
import { buildClientOptimizer, type ClientOptimizer } from './client-optimizer.js'
import { clipped } from './gradient-clip.js'
import { wholeModel, type Objective } from './objective.js'
import { learningRateAt } from './schedule.js'
import { decayed } from './weight-decay.js'

export interface ObjectiveTraining {
  readonly objective: Objective
  /** The params to start from; not changed. */
  readonly start: Float32Array
  /** At least one. */
  readonly examples: Examples
  readonly training: TrainingConfig
  readonly streams: Streams
  /** From 1. */
  readonly round: number
  /** Training rounds of the run: the cosine schedule ends there. */
  readonly rounds: number
  readonly slot: Slot
  /** Called inside tf.tidy on the gradients of one step, before clipping; returns as many tensors of the same shapes. */
  readonly adjustGradients?: (
    gradients: readonly Tensor[],
    params: readonly Tensor[],
  ) => readonly Tensor[]
  /** After each step. */
  readonly onStep?: (done: number, total: number) => void
}
export interface LocalTraining extends Omit<ObjectiveTraining, 'objective'> {
  readonly model: Model
}
export interface LocalResult {
  readonly params: Float32Array
  readonly steps: number
  /** Mean loss (of a whole model: cross-entropy in nats) over the last epoch, each batch before its step. */
  readonly loss: number
}
export interface ObjectiveResult extends LocalResult {
  /** The objective's tallies, summed over all steps. */
  readonly tallies: readonly Float32Array[]
}

/** Steps between two looks at the event loop and at the loss. */
const PULSE = 16

/** All tensors that live from one step to the next. */
interface Live {
  readonly params: readonly Tensor[]
  readonly state: readonly Tensor[]
  /** Sum of the losses of this epoch's examples. Stays on the device, so that no step waits for it. */
  readonly lossSum: tf.Scalar
  readonly tallies: readonly Tensor[]
}
const tensorsOf = ({ params, state, lossSum, tallies }: Live): Tensor[] => [
  ...params,
  ...state,
  lossSum,
  ...tallies,
]

/** Trains a whole model from `start` for `localEpochs` passes over the examples. Throws as `trainObjective` does. */
export const trainLocally = ({ model, ...rest }: LocalTraining): Promise<LocalResult> =>
  trainObjective({ ...rest, objective: wholeModel(model) })

/**
 * Moves `start` for `localEpochs` passes over the examples towards a smaller objective. Throws `update/not-finite` when the
 * loss is no longer a number, `task/failed` without examples.
 */
export async function trainObjective(options: ObjectiveTraining): Promise<ObjectiveResult> {
  const { objective, start, examples, training, streams, round, slot } = options
  const count = examples.indices.length
  if (count === 0) throw new FederationError('task/failed', 'This client has no training examples')
  const total = Math.ceil(count / training.batchSize) * training.localEpochs
  const { optimizer, step } = stepper(options)
  const order = Int32Array.from({ length: count }, (_, i) => i)
  const shuffles = streams('batches', round, slot)
  let live = begin(objective, start, optimizer)
  let done = 0
  try {
    for (let epoch = 0; epoch < training.localEpochs; epoch++) {
      shuffles.shuffle(order)
      live = withoutLoss(live)
      for (let first = 0; first < count; first += training.batchSize) {
        done += 1
        live = step(live, order.subarray(first, first + training.batchSize), done)
        options.onStep?.(done, total)
        if (done % PULSE === 0) await pulse(live)
      }
    }
    const loss = (await finiteLoss(live)) / count
    const params = await readParams(objective, live.params)
    const tallies = await Promise.all(
      live.tallies.map(async (tally) => (await tally.data()) as Float32Array),
    )
    return { params, steps: done, loss, tallies }
  } finally {
    tf.dispose(tensorsOf(live))
  }
}

function begin(objective: Objective, start: Float32Array, optimizer: ClientOptimizer): Live {
  const params = toTensors(objective, start)
  const tallies = objective.tallies.map(({ shape }) => tf.zeros([...shape]))
  return { params, state: optimizer.init(params), lossSum: tf.scalar(0), tallies }
}

function withoutLoss(live: Live): Live {
  live.lossSum.dispose()
  return { ...live, lossSum: tf.scalar(0) }
}

async function finiteLoss({ lossSum }: Live): Promise<number> {
  const [sum = Number.NaN] = await lossSum.data()
  if (!Number.isFinite(sum)) {
    throw new FederationError(
      'update/not-finite',
      'The training loss is not finite; lower the learning rate or clip gradients',
    )
  }
  return sum
}

async function pulse(live: Live): Promise<void> {
  await finiteLoss(live)
  await nextTurn()
}

/** One step: gradients of the batch's mean loss, the method's adjustment, clipping, weight decay, the optimizer. */
function stepper({ objective, examples, training, ...rest }: ObjectiveTraining) {
  const { adjustGradients, round, rounds } = rest
  const optimizer = buildClientOptimizer(training.optimizer)
  const learningRate = learningRateAt(training.optimizer, { round, rounds })

  const next = (live: Live, positions: Int32Array, step: number): Live => {
    const { loss, tallies = [] } = objective.on(batchOf(examples, positions), live.params)
    const { value, grads } = tf.valueAndGrads((...params: Tensor[]) => loss(params))([
      ...live.params,
    ])
    const adjusted = adjustGradients?.(grads, live.params) ?? grads
    const bounded = clipped(adjusted, training.optimizer.gradientClip)
    const gradients = decayed(bounded, live.params, training.optimizer)
    const moved = optimizer.step({ ...live, gradients, learningRate, step })
    return {
      ...moved,
      lossSum: tf.add(live.lossSum, tf.mul(value, positions.length)),
      tallies: live.tallies.map((tally, i) =>
        tallies[i] === undefined ? tf.clone(tally) : tf.add(tally, tallies[i]),
      ),
    }
  }
  const step = (live: Live, positions: Int32Array, number: number): Live => {
    const after = tidyLive(() => next(live, positions, number))
    tf.dispose(tensorsOf(live))
    return after
  }
  return { optimizer, step }
}

/** tf.tidy for a `Live`: keeps its tensors, disposes everything else that `make` created. */
function tidyLive(make: () => Live): Live {
  let live: Live | null = null
  tf.tidy(() => {
    live = make()
    return tensorsOf(live)
  })
  if (live === null) throw new FederationError('internal/bug', 'tf.tidy did not run its function')
  return live
}
