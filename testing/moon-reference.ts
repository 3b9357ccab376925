/**
 * An independent oracle for MOON: a perceptron of one softplus layer, its loss by the formulas of the paper in float64, its
 * gradient by central differences, and the rounds of its federation. Shares with the platform only the documented order of
 * batches (stream `batches`, round, slot: one shuffle of 0 … n−1 per epoch, carried over from epoch to epoch).
 */
import type { Streams } from '#protocol/random.js'
import type { ReferenceClient } from './reference.js'

type Vector = readonly number[]

export interface MoonNet {
  readonly inputs: number
  readonly hidden: number
  readonly classes: number
}
export interface MoonLoss {
  readonly net: MoonNet
  readonly mu: number
  readonly temperature: number
  /** Params of which only the first layer is looked at. */
  readonly received: Vector
  readonly previous: Vector
}

const dot = (a: Vector, b: Vector): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0)
const softplus = (u: number): number => Math.log(1 + Math.exp(u))

export function cosine(a: Vector, b: Vector): number {
  const lengths = Math.sqrt(dot(a, a) * dot(b, b))
  return lengths === 0 ? 0 : dot(a, b) / lengths
}

/** x · kernel + bias, both read from `w` at `offset`, kernel row by row. */
const affine = (w: Vector, offset: number, { x, units }: { x: Vector; units: number }): number[] =>
  Array.from(
    { length: units },
    (_, u) =>
      x.reduce((sum, value, i) => sum + value * w[offset + i * units + u]!, 0) +
      w[offset + x.length * units + u]!,
  )

export const moonFeatures = ({ hidden }: MoonNet, w: Vector, x: Vector): Vector =>
  affine(w, 0, { x, units: hidden }).map(softplus)

/** Mean over the batch of cross-entropy + mu · contrast. */
export function moonLoss(w: Vector, batch: ReferenceClient, loss: MoonLoss): number {
  const { net, mu, temperature, received, previous } = loss
  const each = batch.rows.map((x, n) => {
    const z = moonFeatures(net, w, x)
    const logits = affine(w, (x.length + 1) * net.hidden, { x: z, units: net.classes })
    const ce = Math.log(logits.reduce((sum, v) => sum + Math.exp(v), 0)) - logits[batch.labels[n]!]!
    const [toGlobal, toPrevious] = [received, previous].map((fixed) =>
      Math.exp(cosine(z, moonFeatures(net, fixed, x)) / temperature),
    ) as [number, number]
    return ce - mu * Math.log(toGlobal / (toGlobal + toPrevious))
  })
  return each.reduce((sum, value) => sum + value, 0) / each.length
}

const STEP = 1e-5

export const moonGradient = (w: Vector, batch: ReferenceClient, loss: MoonLoss): number[] =>
  w.map((_, i) => {
    const at = (step: number) =>
      moonLoss(
        w.map((value, j) => (i === j ? value + step : value)),
        batch,
        loss,
      )
    return (at(STEP) - at(-STEP)) / (2 * STEP)
  })

export interface MoonRun extends Omit<MoonLoss, 'received' | 'previous'> {
  readonly clients: readonly ReferenceClient[]
  readonly start: Vector
  readonly rounds: number
  readonly localEpochs: number
  readonly batchSize: number
  readonly learningRate: number
  readonly streams: Streams
  readonly cohortOf: (round: number) => readonly number[]
  /** Whether an update counts; one that does not is not remembered either. */
  readonly counts: (round: number, slot: number) => boolean
}

function localTraining(
  run: MoonRun,
  loss: MoonLoss,
  { round, slot }: { readonly round: number; readonly slot: number },
): { readonly w: Vector; readonly loss: number } {
  const { rows, labels } = run.clients[slot]!
  const stream = run.streams('batches', round, slot)
  const order = rows.map((_, i) => i)
  let w = loss.received
  let sum = 0
  for (let epoch = 0; epoch < run.localEpochs; epoch++) {
    stream.shuffle(order)
    sum = 0
    for (let first = 0; first < order.length; first += run.batchSize) {
      const chosen = order.slice(first, first + run.batchSize)
      const batch = { rows: chosen.map((i) => rows[i]!), labels: chosen.map((i) => labels[i]!) }
      sum += moonLoss(w, batch, loss) * chosen.length
      const gradient = moonGradient(w, batch, loss)
      w = w.map((value, i) => value - run.learningRate * gradient[i]!)
    }
  }
  return { w, loss: sum / order.length }
}

export interface MoonHistory {
  /** After every round. */
  readonly params: Vector
  /** By slot, of the last local epoch. */
  readonly losses: ReadonlyMap<number, number>
}

export function runMoon(run: MoonRun): readonly MoonHistory[] {
  const memories = new Map<number, Vector>()
  const history: MoonHistory[] = []
  let received = run.start
  for (let round = 1; round <= run.rounds; round++) {
    const losses = new Map<number, number>()
    const counted: { readonly w: Vector; readonly n: number }[] = []
    for (const slot of run.cohortOf(round)) {
      const previous = memories.get(slot) ?? received
      const local = localTraining(run, { ...run, received, previous }, { round, slot })
      losses.set(slot, local.loss)
      if (!run.counts(round, slot)) continue
      memories.set(slot, local.w)
      counted.push({ w: local.w, n: run.clients[slot]!.rows.length })
    }
    const total = counted.reduce((sum, { n }) => sum + n, 0)
    received = received.map((_, i) =>
      counted.reduce((sum, { w, n }) => sum + (n / total) * w[i]!, 0),
    )
    history.push({ params: received, losses })
  }
  return history
}
