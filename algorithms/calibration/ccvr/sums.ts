/** The group `sums`: what clients tell where only sums over all of them are used (ccvr specification §10). */
import { float64Of, hasTensor, makeBundle, tensorOf, tensorsOf } from '#protocol/bundle.js'
import type { Bundle, NamedTensor } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import type { SummedGroup } from '#algorithms/methods/update.js'
import type { FeatureSource, HeldClasses } from './features.js'
import { linearSums, momentsOfSums } from './merge.js'
import type { ClassMoments } from './moments.js'
import { forClassMoments } from './statistics.js'
import { classesOf, emptyTensors, localShape, sumsGroup, widthOf } from './uplink.js'
import type { CcvrSetup, Step } from './uplink.js'

/** The class means that clients centre on in the second of two rounds, [classes, d], beside the model in `shared`. */
const MEANS = 'ccvr/means'

/** What features are counted from. In the second round that is what the first told, so that little is left to cancel. */
interface Reference {
  /** Point of a class; absent: the origin. */
  readonly around: ((label: number) => Float64Array) | null
  /** Longest distance from that point: sums are told in this unit, products in its square. */
  readonly unit: number
}

function referenceIn(setup: CcvrSetup, shared: Bundle | null): Reference {
  const { clipNorm } = setup.hyper
  if (clipNorm === null) {
    throw new FederationError('config/impossible', 'Sums of features need calibration.clipNorm')
  }
  if (shared === null || !hasTensor(shared, MEANS)) return { around: null, unit: clipNorm }
  const [means, d] = [float64Of(shared, MEANS), widthOf(setup)]
  return { around: (label) => means.subarray(label * d, (label + 1) * d), unit: 2 * clipNorm }
}

/** A client's sums for every class, in units that keep each within ± its number of examples. */
export async function sumsTensors(
  setup: CcvrSetup,
  {
    source,
    held,
    step,
    shared,
  }: {
    readonly source: FeatureSource
    readonly held: HeldClasses
    readonly step: Step
    readonly shared: Bundle
  },
): Promise<readonly NamedTensor[]> {
  const tensors = emptyTensors(sumsGroup(setup, step), 0)
  const { around, unit } = referenceIn(setup, shared)
  const shape = step === 'sums' ? localShape(setup.hyper) : 'none'
  await forClassMoments({ ...source, shape }, held, ({ label, moments }) => {
    const told = linearSums(moments, shape, around?.(label))
    const scaled = [
      [told.n],
      told.sum.map((v) => v / unit),
      told.products.map((v) => v / unit ** 2),
    ]
    tensors.forEach(({ data }, i) => data.set(scaled[i]!, label * scaled[i]!.length))
  })
  return tensors
}

/** The moments of all clients, by label. `shared` as it was sent; null: it had no means. Throws `update/malformed` where counts are no whole numbers. */
export function momentsOfGroup(
  setup: CcvrSetup,
  group: SummedGroup,
  { step, shared }: { readonly step: Step; readonly shared: Bundle | null },
): ReadonlyMap<number, ClassMoments> {
  const { around, unit } = referenceIn(setup, shared)
  const shape = step === 'sums' ? localShape(setup.hyper) : 'none'
  const row = (name: string, label: number, scale: number): Float64Array => {
    const values = group.tensors[name] ?? new Float64Array(0)
    const width = values.length / classesOf(setup)
    return values.slice(label * width, (label + 1) * width).map((value) => value * scale)
  }
  const byClass = new Map<number, ClassMoments>()
  for (let label = 0; label < classesOf(setup); label++) {
    const [n = 0] = row('counts', label, 1)
    if (!(Number.isInteger(n) && n >= 0)) {
      throw new FederationError(
        'update/malformed',
        `Class ${label}: the counts of all clients add up to ${n}`,
      )
    }
    const sums = { n, sum: row('sums', label, unit), products: row('products', label, unit ** 2) }
    const moments = momentsOfSums(sums, shape, around?.(label))
    if (moments !== null) byClass.set(label, moments)
  }
  return byClass
}

/** What the first of two rounds leaves: counts and means by class, zeros where nobody holds one. */
export function meansBundle(setup: CcvrSetup, byClass: ReadonlyMap<number, ClassMoments>): Bundle {
  const [classes, d] = [classesOf(setup), widthOf(setup)]
  const [counts, means] = [new Float64Array(classes), new Float64Array(classes * d)]
  for (const [label, { n, mean }] of byClass) {
    counts[label] = n
    means.set(mean, label * d)
  }
  return makeBundle([
    { name: 'counts', shape: [classes], dtype: 'float64', data: counts },
    { name: MEANS, shape: [classes, d], dtype: 'float64', data: means },
  ])
}

/** The released model with the means that the next round centres on. */
export const withMeans = (released: Bundle, progress: Bundle): Bundle =>
  makeBundle([...tensorsOf(released), tensorOf(progress, MEANS)], released.meta)
