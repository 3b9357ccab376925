/**
 * What the halves of the profile `features` say to each other: the task, the rows that go up, the soft labels or the heads that
 * come down. Both build and read it here (fedd2s specification §5).
 */
import { BYTES_PER_ELEMENT, float32Of, makeBundle, nestBundles, partOf } from '#protocol/bundle.js'
import type { Bundle, DType } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import type { JsonObject } from '#protocol/json.js'
import type { UplinkGroup, UplinkTensor } from '#protocol/uplink.js'
import { product } from '#algorithms/models/blocks/block-maker.js'
import { paramsBundle, paramsOf, type ParamLayout } from '#algorithms/models/params.js'
import { architecturesOf, type Architecture, type FedD2SSetup } from './architectures.js'
import type { FedD2SHyper } from './hyper.js'
import { cutAt } from './split.js'

/** What a client is asked for in a round. */
export interface FedD2STask {
  /** r: the method's own rounds, from 0. */
  readonly round: number
  /** Name of the tap behind which the model is cut; null: train alone and send nothing. */
  readonly cut: string | null
  readonly isStageStart: boolean
}

export const taskJson = ({ round, cut, isStageStart }: FedD2STask): JsonObject => ({
  round,
  cut,
  isStageStart,
})

/** Throws `message/malformed` for JSON that `taskJson` did not make; keys beside its own belong to others. */
export function taskOf({ round, cut, isStageStart }: JsonObject): FedD2STask {
  if (
    typeof round !== 'number' ||
    !Number.isSafeInteger(round) ||
    round < 0 ||
    (cut !== null && typeof cut !== 'string') ||
    typeof isStageStart !== 'boolean'
  ) {
    throw new FederationError(
      'message/malformed',
      'A task of fedd2s has { round, cut, isStageStart }',
    )
  }
  return { round, cut, isStageStart }
}

/** The uplink group, and its tensors. */
export const SAMPLES = 'samples'
export const FEATURES = 'features'
export const RANGE = 'range'
export const LABELS = 'labels'
export const TEACHER = 'teacher'

/** How features travel. */
export const featureType = ({ quantization }: Pick<FedD2SHyper, 'quantization'>): DType =>
  quantization === 'none' ? 'float32' : quantization
export const labelType = (classes: number): 'uint8' | 'uint16' =>
  classes > 256 ? 'uint16' : 'uint8'

/** Images [H, W, C] averaged over squares of this side, smaller ones at the right and lower edge; other shapes as they are. */
export function pooledShape(shape: readonly number[], side: number): readonly number[] {
  const [height, width, channels] = shape
  if (shape.length !== 3 || height === undefined || width === undefined || channels === undefined)
    return shape
  return [Math.ceil(height / side), Math.ceil(width / side), channels]
}

/** Shape of an activation as it leaves a client: behind its adapter and pooling. */
export function sentShape(
  { hyper }: Pick<FedD2SSetup, 'hyper'>,
  architectures: readonly Architecture[],
  { architecture, cut }: { readonly architecture: Architecture; readonly cut: string },
): readonly number[] {
  const like = hyper.adapter === 'linear' ? architectures[0]! : architecture
  return pooledShape(cutAt(like.cuts, cut).shape, hyper.pooling)
}

/**
 * Bytes of one row on its way up: 4·d + B_lab, and 4·C more with `serverTeacher: local` (§5.1). Float16 makes 2·d of 4·d; uint8
 * makes it d + 8, with the two ends of its range.
 */
export function rowBytes(
  hyper: Pick<FedD2SHyper, 'quantization' | 'serverTeacher'>,
  { width, classes }: { readonly width: number; readonly classes: number },
): number {
  const { float32 } = BYTES_PER_ELEMENT
  return (
    width * BYTES_PER_ELEMENT[featureType(hyper)] +
    (hyper.quantization === 'uint8' ? 2 * float32 : 0) +
    BYTES_PER_ELEMENT[labelType(classes)] +
    (hyper.serverTeacher === 'local' ? classes * float32 : 0)
  )
}

/** Bytes of soft labels on their way down: rows · 4·C (§5.1). */
export const softLabelBytes = (rows: number, classes: number): number =>
  rows * classes * BYTES_PER_ELEMENT.float32

/** Most rows that one client may send. */
export function mostRows({
  config,
  hyper,
  model,
}: Pick<FedD2SSetup, 'config' | 'hyper' | 'model'>): number {
  const examples = Math.min(
    config.aggregation.maxExamples,
    hyper.maxSamplesPerRound ?? Number.POSITIVE_INFINITY,
  )
  return hyper.rows === 'class-means' ? Math.min(model.classes, examples) : examples
}

/** The group `samples` of a round at this cut. Tensors are rows, in one order for all; no row has an id. */
export function samplesGroup(
  setup: FedD2SSetup,
  cut: string,
  architectures: readonly Architecture[] = architecturesOf(setup),
): UplinkGroup {
  const { hyper, model } = setup
  const { classes } = model
  const widths = architectures.map((architecture) =>
    product(sentShape(setup, architectures, { architecture, cut })),
  )
  const isSame = widths.every((width) => width === widths[0])
  const rows = (name: string, dtype: DType, width?: number | null): UplinkTensor => ({
    ...{ name, dtype, shape: width === undefined ? [null] : [null, width] },
  })
  return {
    name: SAMPLES,
    tensors: [
      rows(FEATURES, featureType(hyper), isSame ? widths[0]! : null),
      ...(hyper.quantization === 'uint8' ? [rows(RANGE, 'float32', 2)] : []),
      rows(LABELS, labelType(classes)),
      ...(hyper.serverTeacher === 'local' ? [rows(TEACHER, 'float32', classes)] : []),
    ],
    reduce: 'gather',
    weight: 'none',
    grid: null,
    privacyClass: 'per-example',
    maxBytes: mostRows(setup) * rowBytes(hyper, { width: Math.max(...widths), classes }),
  }
}

/** Soft labels of the rows that a client sent in round r, in their order. */
export interface SoftLabels {
  readonly round: number
  /** [rows, C]; rows sum to 1. */
  readonly values: Float32Array
}
const SOFT_LABELS = 'softLabels'

/** The personal bundle. */
export const softLabelsBundle = ({ round, values }: SoftLabels, classes: number): Bundle =>
  makeBundle(
    [
      {
        ...{ name: SOFT_LABELS, dtype: 'float32', data: values },
        shape: [values.length / classes, classes],
      },
    ],
    { round },
  )

/** Throws `message/malformed` for a bundle of another round count or number of classes. */
export function softLabelsIn(personal: Bundle, classes: number): SoftLabels {
  const { round } = personal.meta
  const shape = personal.tensors.find(({ name }) => name === SOFT_LABELS)?.shape
  if (typeof round !== 'number' || shape?.length !== 2 || shape[1] !== classes) {
    throw new FederationError(
      'message/malformed',
      `Expected soft labels [rows, ${classes}] and their round`,
    )
  }
  return { round, values: float32Of(personal, SOFT_LABELS) }
}

/** `shared` with `transfer: headDownload`: the params of each group's head, by the group's index, under the model's names. */
export const headsBundle = (
  heads: readonly { readonly layout: ParamLayout; readonly params: Float32Array }[],
): Bundle =>
  nestBundles(
    Object.fromEntries(
      heads.map(({ layout, params }, group) => [String(group), paramsBundle(layout, params)]),
    ),
  )

/** One group's head. Throws `bundle/malformed` or `model/does-not-fit` for heads of another cut. */
export const headIn = (shared: Bundle, group: number, layout: ParamLayout): Float32Array =>
  paramsOf(layout, partOf(shared, String(group)))
