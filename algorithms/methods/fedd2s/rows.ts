/**
 * The rows of a client's update. Which they are hangs on the round and the slot alone, so that no ids travel: the client draws
 * them again when the soft labels of that round come back.
 */
import type { NamedTensor } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import type { Slot } from '#protocol/ids.js'
import type { Examples } from '#data/dataset.js'
import type { GatheredPayload } from '#algorithms/methods/method.js'
import { product } from '#algorithms/models/blocks/block-maker.js'
import { architectureOf, type Architecture, type FedD2SSetup } from './architectures.js'
import { decodedFeatures, encodedFeatures } from './encoding.js'
import { poolingOf } from './pooling.js'
import { cutAt } from './split.js'
import { FEATURES, LABELS, labelType, mostRows, sentShape, TEACHER } from './wire.js'

export interface RowChoice {
  /** Places among the training examples that go into the rows, ascending. */
  readonly places: Int32Array
  /** The row that each of them goes into. */
  readonly rowOf: Int32Array
  /** The label of each row. */
  readonly labels: Int32Array
}
export interface WhoseRows {
  readonly examples: Examples
  /** r, from 0. */
  readonly round: number
  readonly slot: Slot
}

/** All examples, or as many as `maxSamplesPerRound` allows, drawn anew in every round; with `class-means` one row a class. */
export function chosenRows(
  { hyper, streams }: FedD2SSetup,
  { examples, round, slot }: WhoseRows,
): RowChoice {
  const { source, indices } = examples
  const every = Int32Array.from({ length: indices.length }, (_, place) => place)
  const most = hyper.maxSamplesPerRound ?? indices.length
  const places =
    most >= indices.length
      ? every
      : streams('fedd2s-rows', round, slot).shuffle(every).slice(0, most).sort()
  const labelAt = places.map((place) => source.labels[indices[place]!]!)
  if (hyper.rows === 'examples')
    return { places, rowOf: places.map((_, row) => row), labels: labelAt }
  const labels = Int32Array.from(new Set(labelAt)).sort()
  return { places, rowOf: labelAt.map((label) => labels.indexOf(label)), labels }
}

/** The row whose soft label belongs to each training example; −1: none. A mean's belongs to all examples of its class. */
export function rowByPlace(
  { hyper }: FedD2SSetup,
  { places, rowOf, labels }: RowChoice,
  { source, indices }: Examples,
): Int32Array {
  if (hyper.rows === 'class-means')
    return indices.map((index) => labels.indexOf(source.labels[index]!))
  const rows = new Int32Array(indices.length).fill(-1)
  places.forEach((place, i) => (rows[place] = rowOf[i]!))
  return rows
}

/** What a client made for its rows, [rows, …] each. */
export interface OwnRows {
  readonly labels: Int32Array
  readonly features: Float32Array
  /** Soft labels by the client's own model; only sent with `serverTeacher: local`. */
  readonly teacher: Float32Array
}

/**
 * The tensors of the group `samples`, in the order in which it declares them. Features are clipped, blurred and quantised.
 * The noise hangs on the run's seed, as all that a replay repeats: it hides features from who has the upload alone, not from
 * who also knows the seed.
 */
export function packedRows(
  setup: FedD2SSetup,
  { labels, features, teacher }: OwnRows,
  { round, slot }: Pick<WhoseRows, 'round' | 'slot'>,
): readonly NamedTensor[] {
  const { hyper, model, streams } = setup
  const rows = labels.length
  const width = features.length / rows
  const noise = streams('fedd2s-noise', round, slot)
  const clipped = clippedRows(features, width, hyper.clipNorm)
  const deviation = hyper.noise * (hyper.clipNorm ?? 0)
  const sent =
    deviation === 0 ? clipped : clipped.map((value) => value + deviation * noise.normal())
  const dtype = labelType(model.classes)
  const data = dtype === 'uint8' ? Uint8Array.from(labels) : Uint16Array.from(labels)
  return [
    ...encodedFeatures(sent, width, hyper.quantization),
    { name: LABELS, shape: [rows], dtype, data },
    ...(hyper.serverTeacher === 'local'
      ? [
          {
            ...{ name: TEACHER, shape: [rows, model.classes], data: teacher },
            dtype: 'float32' as const,
          },
        ]
      : []),
  ]
}

/** Rows that are longer than `clipNorm` (L2) get that length. */
function clippedRows(values: Float32Array, width: number, clipNorm: number | null): Float32Array {
  if (clipNorm === null) return values
  const clipped = new Float32Array(values.length)
  for (let at = 0; at < values.length; at += width) {
    const row = values.subarray(at, at + width)
    const norm = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0))
    const factor = norm > clipNorm ? clipNorm / norm : 1
    row.forEach((value, i) => (clipped[at + i] = value * factor))
  }
  return clipped
}

/** What arrived from one client, as its group's head takes it. */
export interface ReceivedRows {
  readonly rows: number
  readonly labels: Int32Array
  /** Of one activation, with pooling undone. */
  readonly shape: readonly number[]
  /** [rows, ...shape] */
  readonly features: Float32Array
  /** [rows, C], rows sum to 1; null unless `serverTeacher: local`. */
  readonly teacher: Float32Array | null
}
export interface WhereCut {
  readonly architectures: readonly Architecture[]
  readonly cut: string
}

/** How far the sum of a soft label may be from 1. */
const TOLERANCE = 1e-4

/**
 * A payload of the group `samples`. Throws `update/malformed` for what this client cannot have sent in a round at this cut:
 * features of another shape, a label that there is not, another number of rows than its weight and the settings make, a
 * teacher that is no distribution; `update/not-finite` for features that are no numbers.
 */
export function unpackRows(
  setup: FedD2SSetup,
  { architectures, cut }: WhereCut,
  { slot, weight, tensors }: GatheredPayload,
): ReceivedRows {
  const { hyper } = setup
  const architecture = architectureOf(architectures, slot)
  const labels = Int32Array.from(tensors[LABELS]?.data ?? [])
  const rows = labels.length
  assertLabels(setup, labels, weight)
  const width = product(sentShape(setup, architectures, { architecture, cut }))
  const features = decodedFeatures(tensors, hyper.quantization)
  assertSize('rows of features', tensors[FEATURES]!.shape[0] ?? 0, rows)
  assertSize('values of features', features.length, rows * width)
  const like = hyper.adapter === 'linear' ? architectures[0]! : architecture
  const { shape } = cutAt(like.cuts, cut)
  return {
    ...{ rows, labels, shape },
    features: unpooledRows(features, rows, { shape, side: hyper.pooling }),
    teacher: hyper.serverTeacher === 'local' ? teacherOf(setup, tensors[TEACHER], rows) : null,
  }
}

function assertLabels(setup: FedD2SSetup, labels: Int32Array, weight: number): void {
  const { hyper, model } = setup
  const wrong = labels.find((label) => label < 0 || label >= model.classes)
  if (wrong !== undefined) throw malformed(`There is no label ${wrong}`)
  const most = Math.min(weight, mostRows(setup))
  if (hyper.rows === 'examples') return assertSize('labels', labels.length, most)
  if (labels.length < 1 || labels.length > most)
    throw malformed(`Expected 1 … ${most} class means, got ${labels.length}`)
  if (labels.some((label, i) => i > 0 && label <= labels[i - 1]!))
    throw malformed('Class means are not in the order of their labels, or a class has two')
}

function teacherOf(
  { model }: FedD2SSetup,
  tensor: NamedTensor | undefined,
  rows: number,
): Float32Array {
  const { classes } = model
  const teacher = Float32Array.from(tensor?.data ?? [])
  assertSize('values of the teacher', teacher.length, rows * classes)
  for (let at = 0; at < teacher.length; at += classes) {
    const row = teacher.subarray(at, at + classes)
    const sum = row.reduce((total, value) => total + value, 0)
    if (!(Math.abs(sum - 1) <= TOLERANCE) || row.some((value) => value < 0))
      throw malformed(`Row ${at / classes} of the teacher is no distribution`)
  }
  return teacher
}

function unpooledRows(
  values: Float32Array,
  rows: number,
  { shape, side }: { readonly shape: readonly number[]; readonly side: number },
): Float32Array {
  const [from, size] = [values.length / rows, product(shape)]
  if (from === size) return values
  const pooling = poolingOf(shape, side)
  const all = new Float32Array(rows * size)
  for (let row = 0; row < rows; row++)
    all.set(pooling.unpooled(values.subarray(row * from, (row + 1) * from)), row * size)
  return all
}

function assertSize(what: string, got: number, expected: number): void {
  if (got !== expected) throw malformed(`Expected ${expected} ${what}, got ${got}`)
}
const malformed = (message: string): FederationError =>
  new FederationError('update/malformed', message)
