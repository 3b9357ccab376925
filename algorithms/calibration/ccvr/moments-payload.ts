/** The group `moments`: how a client's moments become tensors, and what the coordinator believes of them. */
import type { NamedTensor, TypedArray } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import type { GatheredPayload } from '#algorithms/methods/method.js'
import type { FeatureSource, HeldClasses } from './features.js'
import { lowRankOf, scatterOfLowRank } from './low-rank.js'
import type { MomentsPart } from './merge.js'
import { squaredLength } from './merge.js'
import { diagonalOf, type Floats, type ScatterShape } from './moments.js'
import { forClassMoments, type HeldMoments } from './statistics.js'
import {
  classesOf,
  emptyTensors,
  localShape,
  momentsGroup,
  rankOf,
  widthOf,
  type CcvrSetup,
} from './uplink.js'

type Tensors = Readonly<Record<string, { readonly data: TypedArray }>>

/** What a client sends of its held classes; tensors of no rows where it holds none. */
export async function momentsTensors(
  setup: CcvrSetup,
  source: FeatureSource,
  held: HeldClasses,
): Promise<readonly NamedTensor[]> {
  const tensors = emptyTensors(momentsGroup(setup), held.classes.length)
  const byName = Object.fromEntries(tensors.map((tensor) => [tensor.name, tensor]))
  const shape = localShape(setup.hyper)
  await forClassMoments({ ...source, shape }, held, (one) => writeRow(setup, byName, one))
  return tensors
}

async function writeRow(setup: CcvrSetup, tensors: Tensors, held: HeldMoments): Promise<void> {
  const { label, place, moments } = held
  const write = (name: string, values: ArrayLike<number>): void =>
    tensors[name]?.data.set(values, place * values.length)
  write('labels', [label])
  write('counts', [moments.n])
  write('means', moments.mean)
  if (setup.hyper.covMode !== 'low-rank') return write('scatters', moments.scatter)
  const found = await lowRankOf(moments.scatter, moments.mean.length, rankOf(setup))
  write('directions', found.directions)
  write('residuals', found.residuals)
}

/** What a client says of one class. */
export interface ToldClass extends MomentsPart {
  readonly label: number
}

/**
 * The classes of one payload, one in memory at a time, the scatter in `mergedShape`. Throws `update/malformed` with the slot
 * where they cannot be true: labels that do not ascend, counts that are no whole numbers or add up to more than the client's
 * examples, negative variances, one example with a scatter, a mean longer than vectors were clipped to.
 */
export function* toldClasses(setup: CcvrSetup, payload: GatheredPayload): Generator<ToldClass> {
  const told = rowsOf(setup, payload)
  let [before, examples] = [-1, 0]
  for (let row = 0; row < told.rows; row++) {
    const one = told.at(row)
    const problem = orderProblem(setup, one.label, before) ?? momentsProblem(setup, one)
    if (problem !== null) throw malformed(payload, `class ${one.label}: ${problem}`)
    examples += one.n
    before = one.label
    yield one
  }
  if (examples > payload.weight) {
    throw malformed(payload, `${examples} examples in its classes, and ${payload.weight} in all`)
  }
}

const malformed = ({ slot }: GatheredPayload, what: string): FederationError =>
  new FederationError('update/malformed', `The statistics of slot ${slot} cannot be true: ${what}`)

/** Reads rows of tensors whose numbers of rows must agree: validation cannot see that. */
function rowsOf(setup: CcvrSetup, payload: GatheredPayload) {
  const [rows = 0] = payload.tensors['labels']?.shape ?? []
  const other = Object.values(payload.tensors).find(({ shape }) => shape[0] !== rows)
  if (other !== undefined) {
    throw malformed(payload, `${rows} labels and ${other.shape[0] ?? 0} rows of ${other.name}`)
  }
  const part = (name: string, row: number): Floats => {
    const data = payload.tensors[name]?.data
    if (data === undefined) return new Float64Array(0)
    const width = data.length / rows
    return data.subarray(row * width, (row + 1) * width) as Floats
  }
  return {
    rows,
    at: (row: number): ToldClass => ({
      label: part('labels', row)[0] ?? -1,
      n: part('counts', row)[0] ?? 0,
      mean: part('means', row),
      scatter:
        setup.hyper.covMode === 'low-rank'
          ? scatterOfLowRank({
              directions: part('directions', row),
              residuals: part('residuals', row),
            })
          : part('scatters', row),
    }),
  }
}

function orderProblem(setup: CcvrSetup, label: number, before: number): string | null {
  if (label <= before) return `its label does not come after ${before}`
  return label < classesOf(setup) ? null : `there are ${classesOf(setup)} classes`
}

/** Numbers may have been rounded to float32. */
const ROUNDING = 1 + 1e-6

function momentsProblem(setup: CcvrSetup, { n, mean, scatter }: ToldClass): string | null {
  const { clipNorm } = setup.hyper
  if (!(Number.isInteger(n) && n >= 1)) return `a count of ${n}`
  const length = Math.sqrt(squaredLength(mean))
  if (!Number.isFinite(length)) return 'a mean without bounds'
  if (clipNorm !== null && length > clipNorm * ROUNDING) return `a mean of length ${length}`
  const variances = diagonalOf(scatter, widthOf(setup), scatterShapeOf(setup, scatter))
  if (!variances.every((value: number) => value >= 0 && value < Infinity)) {
    return 'a variance that is negative or not finite'
  }
  if (n === 1 && variances.some((value: number) => value > 0)) return 'a scatter of one example'
  return null
}

const scatterShapeOf = (setup: CcvrSetup, scatter: Floats): ScatterShape =>
  scatter.length === 0 ? 'none' : localShape(setup.hyper)

/** Reads all of a payload and keeps nothing. Throws as `toldClasses` does. */
export function assertPossible(setup: CcvrSetup, payload: GatheredPayload): void {
  const told = toldClasses(setup, payload)
  while (told.next().done !== true);
}
