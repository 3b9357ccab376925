/**
 * An independent oracle for FedIns: a perceptron with gelu and a closing LayerNorm, frozen, one scale and shift behind each
 * op, one linear head; forward and backward in plain float64 loops, example by example. Pools, keys and choices are built on
 * top of it as the closed forms say. Shares with the platform only the documented order of batches.
 */
import type { Stream } from '#protocol/random.js'

export type Vector = number[]
type Matrix = readonly (readonly number[])[]

/** What is frozen. `layers`: kernels [in][out]. */
export interface Net {
  readonly layers: readonly { readonly kernel: Matrix; readonly bias: readonly number[] }[]
  readonly norm: { readonly scale: readonly number[]; readonly shift: readonly number[] }
}
/** One adapter and its head in a row: per site scale then shift, head weights class by class, head biases. */
export type Entry = readonly number[]
export interface Example {
  readonly x: readonly number[]
  readonly label: number
}
export interface NaivePool {
  readonly entries: readonly Entry[]
  readonly keys: readonly (readonly number[])[]
}

const EPSILON = 1e-6
const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0)
export const dot = (a: readonly number[], b: readonly number[]): number =>
  sum(a.map((value, i) => value * b[i]!))
export const lengthOf = (v: readonly number[]): number => Math.sqrt(dot(v, v))
const unit = (v: readonly number[]): Vector =>
  v.map((value) => value / Math.max(lengthOf(v), 1e-12))
/** a + factor · b */
export const plus = (a: readonly number[], b: readonly number[], factor = 1): Vector =>
  a.map((value, i) => value + factor * b[i]!)
export const times = (a: readonly number[], factor: number): Vector => a.map((v) => v * factor)
export const meanOf = (rows: readonly (readonly number[])[]): Vector =>
  rows[0]!.map((_, i) => sum(rows.map((row) => row[i]!)) / rows.length)

/** By its series, which is exact enough for |x| below 5; beyond, erf is ±1. */
function erf(x: number): number {
  if (Math.abs(x) > 5) return Math.sign(x)
  let term = x
  let total = x
  for (let n = 1; n < 120; n++) {
    term *= (-x * x) / n
    total += term / (2 * n + 1)
  }
  return (2 / Math.sqrt(Math.PI)) * total
}
const phi = (u: number): number => 0.5 * (1 + erf(u / Math.SQRT2))
const gelu = (u: number): number => u * phi(u)
const geluSlope = (u: number): number =>
  phi(u) + (u * Math.exp((-u * u) / 2)) / Math.sqrt(2 * Math.PI)

/** Cuts an entry into its sites and its head. */
function partsOf({ layers, norm }: Net, entry: Entry) {
  let at = 0
  const take = (size: number): Vector => entry.slice(at, (at += size))
  const sites = [...layers.map(({ bias }) => bias.length), norm.scale.length].map((size) => ({
    scale: take(size),
    shift: take(size),
  }))
  const width = norm.scale.length
  const classes = (entry.length - at) / (width + 1)
  const weight = Array.from({ length: classes }, () => take(width))
  return { sites, weight, bias: take(classes) }
}

/** The entry that changes nothing, in front of a head of zeros. */
export function identityEntry({ layers, norm }: Net, classes: number): Vector {
  const sizes = [...layers.map(({ bias }) => bias.length), norm.scale.length]
  const affine = sizes.flatMap((size) => [
    ...Array<number>(size).fill(1),
    ...Array<number>(size).fill(0),
  ])
  return [...affine, ...Array<number>(classes * (norm.scale.length + 1)).fill(0)]
}

/** Everything that the backward pass needs. */
function run(net: Net, x: readonly number[], entry: Entry) {
  const { sites, weight, bias } = partsOf(net, entry)
  const steps: { readonly z: Vector; readonly u: Vector }[] = []
  let h: Vector = [...x]
  net.layers.forEach((layer, l) => {
    const z = layer.bias.map((b, o) => b + sum(h.map((value, i) => value * layer.kernel[i]![o]!)))
    const u = z.map((value, o) => value * sites[l]!.scale[o]! + sites[l]!.shift[o]!)
    steps.push({ z, u })
    h = u.map(gelu)
  })
  const mean = sum(h) / h.length
  const deviation = Math.sqrt(sum(h.map((value) => (value - mean) ** 2)) / h.length + EPSILON)
  const normed = h.map((value) => (value - mean) / deviation)
  const z = normed.map((value, i) => value * net.norm.scale[i]! + net.norm.shift[i]!)
  const last = sites.at(-1)!
  const f = z.map((value, i) => value * last.scale[i]! + last.shift[i]!)
  const logits = weight.map((row, c) => dot(row, f) + bias[c]!)
  return { sites, weight, steps, normed, deviation, z, f, logits }
}

export const logitsOf = (net: Net, x: readonly number[], entry: Entry): Vector =>
  run(net, x, entry).logits
/** Features of the bare network. */
export const queryOf = (net: Net, x: readonly number[]): Vector =>
  run(net, x, identityEntry(net, 1)).f

/** Cross-entropy of one example, in nats, and its gradient in the entry. */
export function crossEntropyOf(net: Net, { x, label }: Example, entry: Entry) {
  const forward = run(net, x, entry)
  const highest = Math.max(...forward.logits)
  const exps = forward.logits.map((value) => Math.exp(value - highest))
  const loss = Math.log(sum(exps)) - (forward.logits[label]! - highest)
  const g = exps.map((value, c) => value / sum(exps) - (c === label ? 1 : 0))
  const { sites, weight, steps, normed, deviation, z, f } = forward
  const df = f.map((_, i) => sum(g.map((value, c) => value * weight[c]![i]!)))
  const affine: Vector[] = [df.map((value, i) => value * z[i]!), df]
  const dn = df.map((value, i) => value * sites.at(-1)!.scale[i]! * net.norm.scale[i]!)
  const [meanDn, meanDnN] = [sum(dn) / dn.length, dot(dn, normed) / dn.length]
  let dh = dn.map((value, i) => (value - meanDn - normed[i]! * meanDnN) / deviation)
  for (let l = steps.length - 1; l >= 0; l--) {
    const [step, site, kernel] = [steps[l]!, sites[l]!, net.layers[l]!.kernel]
    const du = dh.map((value, o) => value * geluSlope(step.u[o]!))
    affine.unshift(
      du.map((value, o) => value * step.z[o]!),
      du,
    )
    const dz = du.map((value, o) => value * site.scale[o]!)
    dh = kernel.map((row) => dot(row, dz))
  }
  const head = [...g.flatMap((value) => times(f, value)), ...g]
  return { loss, gradient: [...affine.flat(), ...head] }
}

export const cosine = (a: readonly number[], b: readonly number[]): number => dot(unit(a), unit(b))

/** The k nearest keys, nearest first; among equals the lower index. */
export const chosenFor = (
  query: readonly number[],
  keys: readonly (readonly number[])[],
  k: number,
): number[] => {
  const similarities = keys.map((key) => cosine(query, key))
  return [...keys.keys()].sort((a, b) => similarities[b]! - similarities[a]! || a - b).slice(0, k)
}

export interface PoolRule {
  readonly topK: number
  readonly keyWeight: number
}

/** Loss and gradients of a batch in closed form: S[b,m] times what one example says, and −λ/B (q̂ − sim K̂) / ‖K‖. */
export function poolGradient(net: Net, pool: NaivePool, batch: readonly Example[], rule: PoolRule) {
  const { topK, keyWeight } = rule
  const entries = pool.entries.map((entry) => entry.map(() => 0))
  const keys = pool.keys.map((key) => key.map(() => 0))
  let [ce, pull] = [0, 0]
  const choices = batch.map((example) => {
    const query = queryOf(net, example.x)
    const chosen = chosenFor(query, pool.keys, topK)
    const own = crossEntropyOf(net, example, meanOf(chosen.map((m) => pool.entries[m]!)))
    ce += own.loss / batch.length
    for (const m of chosen) {
      const [key, similarity] = [pool.keys[m]!, cosine(query, pool.keys[m]!)]
      pull += similarity / batch.length
      const factor = (1 - keyWeight) / (batch.length * topK)
      own.gradient.forEach((value, i) => (entries[m]![i]! += factor * value))
      const away = plus(unit(query), unit(key), -similarity)
      const share = -keyWeight / (batch.length * lengthOf(key))
      away.forEach((value, i) => (keys[m]![i]! += share * value))
    }
    return chosen
  })
  const loss = (1 - keyWeight) * ce + keyWeight * (1 - pull)
  return { loss, pull, choices, gradient: { entries, keys } }
}

export interface Schedule {
  readonly epochs: number
  readonly batchSize: number
  readonly learningRate: number
  /** Stream `batches` of the round and slot. */
  readonly shuffles: Stream
}

/** Plain SGD over shuffled batches; `step` returns what follows from a state and a batch. */
export function trained<T>(
  start: T,
  examples: readonly Example[],
  {
    epochs,
    batchSize,
    shuffles,
    step,
  }: Schedule & { step: (now: T, batch: readonly Example[]) => T },
): T {
  const order = examples.map((_, i) => i)
  let now = start
  for (let epoch = 0; epoch < epochs; epoch++) {
    shuffles.shuffle(order)
    for (let first = 0; first < order.length; first += batchSize) {
      now = step(
        now,
        order.slice(first, first + batchSize).map((i) => examples[i]!),
      )
    }
  }
  return now
}

/** FedIns on one client. */
export const trainedPool = (
  net: Net,
  start: NaivePool,
  { examples, rule, ...schedule }: Schedule & { examples: readonly Example[]; rule: PoolRule },
): NaivePool =>
  trained(start, examples, {
    ...schedule,
    step(pool, batch) {
      const { gradient } = poolGradient(net, pool, batch, rule)
      const moved = (rows: Matrix, by: Matrix): Vector[] =>
        rows.map((row, m) => plus(row, by[m]!, -schedule.learningRate))
      return {
        entries: moved(pool.entries, gradient.entries),
        keys: moved(pool.keys, gradient.keys),
      }
    },
  })

/** One adapter and one head: no pool, no keys, no choice. `factor` scales the cross-entropy. */
export const trainedEntry = (
  net: Net,
  start: Entry,
  { examples, factor, ...schedule }: Schedule & { examples: readonly Example[]; factor: number },
): Entry =>
  trained(start, examples, {
    ...schedule,
    step(entry, batch) {
      const gradient = meanOf(batch.map((one) => crossEntropyOf(net, one, entry).gradient))
      return plus(entry, gradient, -schedule.learningRate * factor)
    },
  })
