/**
 * An independent oracle: softmax regression trained with FedAvg, FedProx, SCAFFOLD and FedNova as their papers' pseudocode
 * says, in plain float64 loops. Slow, short, and sharing nothing with the platform but the documented order of batches
 * (stream `batches`, round, slot: one shuffle of 0 … n−1 per epoch, carried over from epoch to epoch).
 */
import type { Streams } from '#protocol/random.js'

export interface ReferenceClient {
  readonly rows: readonly (readonly number[])[]
  readonly labels: readonly number[]
}
export interface ReferenceRun {
  readonly method: 'fedavg' | 'fedprox' | 'scaffold' | 'fednova'
  readonly mu: number
  readonly clients: readonly ReferenceClient[]
  readonly classes: number
  readonly start: readonly number[]
  readonly rounds: number
  readonly localEpochs: number
  readonly batchSize: number
  readonly learningRate: number
  readonly momentum: number
  readonly streams: Streams
  /** Slots whose update counts in a round; by default all. */
  readonly reporters?: (round: number) => readonly number[]
}

type Vector = number[]
const zerosLike = (v: readonly number[]): Vector => v.map(() => 0)

/** Gradient of the mean cross-entropy; params = kernel[features][classes] row by row, then bias[classes]. */
export function referenceGradient(
  w: readonly number[],
  batch: ReferenceClient,
  classes: number,
): Vector {
  const features = batch.rows[0]!.length
  const gradient = zerosLike(w)
  batch.rows.forEach((row, n) => {
    const logits = Array.from({ length: classes }, (_, c) => {
      let z = w[features * classes + c]!
      for (let f = 0; f < features; f++) z += row[f]! * w[f * classes + c]!
      return z
    })
    const highest = Math.max(...logits)
    const exps = logits.map((z) => Math.exp(z - highest))
    const sum = exps.reduce((a, b) => a + b, 0)
    for (let c = 0; c < classes; c++) {
      const error = (exps[c]! / sum - (batch.labels[n] === c ? 1 : 0)) / batch.rows.length
      for (let f = 0; f < features; f++) gradient[f * classes + c]! += error * row[f]!
      gradient[features * classes + c]! += error
    }
  })
  return gradient
}

interface Local {
  readonly w: Vector
  readonly steps: number
  /** Coefficient of every step's gradient in the displacement, summed: FedNova's ‖a‖₁, by its definition. */
  readonly coefficientSum: number
}

function localTraining(
  run: ReferenceRun,
  global: readonly number[],
  { round, slot, correction }: { round: number; slot: number; correction: readonly number[] },
): Local {
  const client = run.clients[slot]!
  const n = client.rows.length
  const stream = run.streams('batches', round, slot)
  const order = Array.from({ length: n }, (_, i) => i)
  const pull = run.method === 'fedprox' || run.method === 'fednova' ? run.mu : 0
  let w = [...global]
  let velocity = zerosLike(w)
  let steps = 0
  for (let epoch = 0; epoch < run.localEpochs; epoch++) {
    stream.shuffle(order)
    for (let first = 0; first < n; first += run.batchSize) {
      const chosen = order.slice(first, first + run.batchSize)
      const batch = {
        rows: chosen.map((i) => client.rows[i]!),
        labels: chosen.map((i) => client.labels[i]!),
      }
      const g = referenceGradient(w, batch, run.classes).map(
        (value, i) => value + pull * (w[i]! - global[i]!) + correction[i]!,
      )
      velocity = velocity.map((v, i) => run.momentum * v + g[i]!)
      w = w.map((value, i) => value - run.learningRate * velocity[i]!)
      steps++
    }
  }
  return { w, steps, coefficientSum: coefficientSum(run, steps, pull) }
}

/** Sum over s of the displacement that a unit gradient at step s alone leaves after all steps, in units of the learning rate. */
function coefficientSum(
  { momentum, learningRate }: ReferenceRun,
  steps: number,
  pull: number,
): number {
  let sum = 0
  for (let s = 0; s < steps; s++) {
    let moved = 0
    let v = 0
    for (let t = s; t < steps; t++) {
      v = momentum * v + (t === s ? 1 : 0) - learningRate * pull * moved
      moved += v
    }
    sum += moved
  }
  return sum
}

/** Params after every round, the start first. */
export function runReference(run: ReferenceRun): readonly (readonly number[])[] {
  const history: Vector[] = [[...run.start]]
  let variate = zerosLike(run.start)
  const own = run.clients.map(() => zerosLike(run.start))
  for (let round = 1; round <= run.rounds; round++) {
    const w = history.at(-1)!
    const reporters = run.reporters?.(round) ?? run.clients.map((_, slot) => slot)
    const total = reporters.reduce((sum, slot) => sum + run.clients[slot]!.rows.length, 0)
    let direction = zerosLike(w)
    let stretch = 0
    let variateChange = zerosLike(w)
    for (const slot of reporters) {
      const correction = variate.map((c, i) => (run.method === 'scaffold' ? c - own[slot]![i]! : 0))
      const local = localTraining(run, w, { round, slot, correction })
      const share = run.clients[slot]!.rows.length / total
      const unit = run.method === 'fednova' ? local.coefficientSum : 1
      direction = direction.map((d, i) => d + (share * (local.w[i]! - w[i]!)) / unit)
      stretch += share * unit
      if (run.method !== 'scaffold') continue
      const span = local.steps * run.learningRate
      const next = own[slot]!.map((c, i) => c - variate[i]! + (w[i]! - local.w[i]!) / span)
      variateChange = variateChange.map((d, i) => d + next[i]! - own[slot]![i]!)
      own[slot] = next
    }
    history.push(w.map((value, i) => value + stretch * direction[i]!))
    variate = variate.map((c, i) => c + variateChange[i]! / run.clients.length)
  }
  return history
}
