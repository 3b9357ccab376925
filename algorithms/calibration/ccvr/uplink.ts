/** What clients send in a round of statistics, and how large it is (ccvr specification §7, §10). */
import type { DType, NamedTensor } from '#protocol/bundle.js'
import { BYTES_PER_ELEMENT } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import type { JsonObject } from '#protocol/json.js'
import type { RunConfig } from '#protocol/run-config.js'
import { LARGEST_ROSTER } from '#protocol/uplink.js'
import type { Grid, UplinkGroup, UplinkTensor } from '#protocol/uplink.js'
import { coarseGridFor, largestCohort } from '#algorithms/aggregators/grid.js'
import type { MethodSetup } from '#algorithms/methods/method.js'
import { extractorOf } from '#algorithms/models/extractor.js'
import type { CcvrHyper } from './hyper.js'
import { scatterSize, type Floats, type ScatterShape } from './moments.js'

export type CcvrSetup = MethodSetup<CcvrHyper>

/** Each client's moments, for the classes that it holds. */
export const MOMENTS = 'moments'
/** Sums over all clients, for every class. */
export const SUMS = 'sums'

/** What the steps of a calibration ask for, by the name that the task gives. */
const STEPS = ['moments', 'means', 'sums'] as const
export type Step = (typeof STEPS)[number]

/** Throws `message/malformed` for a task that is none of a calibration. */
export function stepIn({ step }: JsonObject): Step {
  const known = STEPS.find((one) => one === step)
  if (known !== undefined) return known
  throw new FederationError(
    'message/malformed',
    `Expected a step of ${STEPS.join(', ')}, got ${JSON.stringify(step)}`,
  )
}

export const widthOf = ({ model }: Pick<CcvrSetup, 'model'>): number => extractorOf(model).width
export const classesOf = ({ config }: Pick<CcvrSetup, 'config'>): number =>
  config.task.classes.length

/** The scatter that a client computes of its own features. */
export const localShape = ({ covMode }: Pick<CcvrHyper, 'covMode'>): ScatterShape =>
  (
    ({
      full: 'full',
      'low-rank': 'full',
      diag: 'diag',
      none: 'none',
      'means-only': 'none',
    }) as const
  )[covMode]

/** Directions of covMode low-rank: never more than there are features. */
export const rankOf = (setup: Pick<CcvrSetup, 'model' | 'hyper'>): number =>
  Math.min(setup.hyper.rank, widthOf(setup))

/** Numbers beside count and mean that a client tells of one class, by tensor and shape. */
function spreadShapes(setup: CcvrSetup): Readonly<Record<string, readonly number[]>> {
  const d = widthOf(setup)
  const { covMode } = setup.hyper
  if (covMode === 'low-rank') return { directions: [rankOf(setup), d], residuals: [d] }
  const size = scatterSize(d, localShape(setup.hyper))
  return size === 0 ? {} : { scatters: [size] }
}

const product = (shape: readonly number[]): number => shape.reduce((all, one) => all * one, 1)

/** The tensors of the group `moments` for `rows` classes; null: as many as a client holds. */
function momentShapes(setup: CcvrSetup, rows: number | null): readonly UplinkTensor[] {
  const dtype = setup.hyper.precision
  return [
    { name: 'labels', shape: [rows], dtype: 'int32' },
    { name: 'counts', shape: [rows], dtype },
    { name: 'means', shape: [rows, widthOf(setup)], dtype },
    ...Object.entries(spreadShapes(setup)).map(([name, shape]) => ({
      ...{ name, dtype },
      shape: [rows, ...shape],
    })),
  ]
}

/**
 * Bytes of `moments` for so many classes. For covMode full that is the formula of the specification, 1 + d + d(d + 1)/2 numbers
 * a class, and four bytes that say which class it is.
 */
export const momentsBytes = (setup: CcvrSetup, classes: number): number =>
  momentShapes(setup, classes).reduce((sum, tensor) => sum + bytesOf(tensor), 0)

const bytesOf = ({ shape, dtype }: UplinkTensor): number =>
  product(shape.map((size) => size ?? 0)) * BYTES_PER_ELEMENT[dtype]

export function momentsGroup(setup: CcvrSetup): UplinkGroup {
  return {
    name: MOMENTS,
    tensors: momentShapes(setup, null),
    ...{ reduce: 'gather', weight: 'none', grid: null, privacyClass: 'statistics' },
    maxBytes: momentsBytes(setup, classesOf(setup)),
  }
}

/**
 * The fixed point of sums. Counts go up to maxExamples, and so do Σ z and Σ z zᵀ in units of the longest vector and of its
 * square. Rounding moves a sum over K clients by at most K · 2^-(bits + 1) of its unit.
 */
export function sumsGrid(config: RunConfig): Grid {
  const maxMembers = Math.max(largestCohort(config), config.data?.clients ?? LARGEST_ROSTER)
  return coarseGridFor({ maxMembers, maxExamples: 1, maxAbs: config.aggregation.maxExamples })
}

/** Counts and Σ z of every class; at the step `sums` also Σ z zᵀ as covMode says. Zeros for classes a client does not hold. */
export function sumsGroup(setup: CcvrSetup, step: Step): UplinkGroup {
  const [classes, d] = [classesOf(setup), widthOf(setup)]
  const size = step === 'sums' ? scatterSize(d, localShape(setup.hyper)) : 0
  const dtype: DType = setup.hyper.precision
  const tensors: readonly UplinkTensor[] = [
    { name: 'counts', shape: [classes], dtype },
    { name: 'sums', shape: [classes, d], dtype },
    ...(size === 0 ? [] : [{ name: 'products', shape: [classes, size], dtype }]),
  ]
  return {
    ...{ name: SUMS, tensors, reduce: 'sum', weight: 'none', grid: sumsGrid(setup.config) },
    privacyClass: 'statistics',
    maxBytes: tensors.reduce((sum, tensor) => sum + bytesOf(tensor), 0),
  }
}

/** Empty tensors as a group declares them, for `rows` rows where the number of rows is a client's own. */
export function emptyTensors(group: UplinkGroup, rows: number): readonly NamedTensor[] {
  return group.tensors.map(({ name, shape, dtype }) => {
    const own = shape.map((size) => size ?? rows)
    return { name, dtype, shape: own, data: arrayOf(dtype, product(own)) }
  })
}

function arrayOf(dtype: DType, length: number): Floats | Int32Array {
  if (dtype === 'int32') return new Int32Array(length)
  return dtype === 'float32' ? new Float32Array(length) : new Float64Array(length)
}
