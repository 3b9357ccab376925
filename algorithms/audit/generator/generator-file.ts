/** A trained generator as one bundle: its weights, what they are for, what they were trained on. docs/generators.md. */
import { z } from 'zod'
import {
  decodeBundle,
  encodeBundle,
  hasTensor,
  makeBundle,
  tensorOf,
  tensorsOf,
  type Bundle,
  type NamedTensor,
} from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import { sha256 } from '#protocol/ids.js'
import type { JsonObject } from '#protocol/json.js'
import { layoutOf, paramsBundle, paramsOf, toTensors } from '#algorithms/models/params.js'
import { layeredGenerator } from './generator-blocks.js'
import type { DecoderShape } from './generator-options.js'
import type { LayeredGenerator, Projection } from './layered-generator.js'
import { RECORD_HASH_BYTES } from './record-hash.js'
import { decoderBlocks, decoderParams } from './vae-decoder.js'

const RECORDS = 'training-records'
const count = z.int().min(1)

const metaSchema = z.looseObject({
  generator: z.looseObject({
    format: z.literal(1),
    architecture: z.literal('vae-decoder'),
    imageShape: z.tuple([count, count, count]),
    classes: z.array(z.string()).min(1),
    conditional: z.boolean(),
    latentDim: count,
    features: count,
    trainedOn: z.string().min(1),
    projection: z.strictObject({
      latent: z.number(),
      stages: z.number(),
      classMean: z.number(),
    }),
  }),
})
type GeneratorLabel = z.output<typeof metaSchema>['generator']

/** What a file is made from. */
interface GeneratorContent {
  readonly shape: DecoderShape
  /** In label order. */
  readonly classNames: readonly string[]
  /** Of `decoderParams(shape)`, one after another. */
  readonly weights: Float32Array
  /** See record-hash.ts. */
  readonly trainingRecords: readonly string[]
  readonly trainedOn: string
  readonly projection: Projection
  /** How it was trained: kept beside it, for people. */
  readonly training: JsonObject
}

const layoutFor = (shape: DecoderShape) =>
  layoutOf(
    'generator',
    decoderParams(shape).map(({ name, shape: of }) => ({ name, shape: of, dtype: 'float32' })),
  )

/** Equal contents give equal bytes. */
export function encodeGenerator(content: GeneratorContent): Uint8Array {
  const { shape, classNames, weights, trainingRecords, trainedOn, projection, training } = content
  const records: NamedTensor = {
    name: RECORDS,
    shape: [trainingRecords.length, RECORD_HASH_BYTES],
    dtype: 'uint8',
    data: Uint8Array.from(Buffer.from(trainingRecords.join(''), 'hex')),
  }
  const { imageShape, conditional, latentDim, features } = shape
  const generator = {
    ...{ format: 1, architecture: 'vae-decoder', imageShape: [...imageShape] },
    ...{ classes: [...classNames], conditional, latentDim, features, trainedOn },
    ...{ projection: { ...projection }, training },
  }
  const tensors = [...tensorsOf(paramsBundle(layoutFor(shape), weights)), records]
  return encodeBundle(makeBundle(tensors, { generator }))
}

function readLabel(bytes: Uint8Array): { readonly bundle: Bundle; readonly label: GeneratorLabel } {
  const bundle = decodeBundle(bytes)
  if (!bundle.ok) throw unreadable(bundle.error.message, bundle.error)
  const meta = metaSchema.safeParse(bundle.value.meta)
  if (!meta.success) throw unreadable('It does not say which generator it holds', meta.error)
  return { bundle: bundle.value, label: meta.data.generator }
}
const unreadable = (why: string, cause: unknown): FederationError =>
  new FederationError('audit/bad-generator', `The file holds no generator: ${why}`, { cause })

/** What the file says of itself. Throws `audit/bad-generator`. */
export const generatorLabel = (bytes: Uint8Array): GeneratorLabel => readLabel(bytes).label

/** The generator in the bytes of a file; the caller disposes it. Throws `audit/bad-generator`. */
export function decodeGenerator(bytes: Uint8Array): LayeredGenerator {
  const { bundle, label } = readLabel(bytes)
  const shape: DecoderShape = { ...label, classes: label.classes.length }
  const [height, width, channels] = label.imageShape
  const layout = layoutFor(shape)
  const [weights, trainingRecords] = [weightsOf(bundle, layout), recordsOf(bundle)]
  return layeredGenerator(
    {
      name: `VAE decoder, ${height} × ${width} × ${channels}`,
      ...{ latentDim: shape.latentDim, conditional: shape.conditional, classes: shape.classes },
      trainedOn: label.trainedOn,
      blocks: decoderBlocks(shape),
      weights: toTensors(layout, weights),
      trainingRecords,
      projection: label.projection,
    },
    sha256(bytes),
  )
}

function weightsOf(bundle: Bundle, layout: ReturnType<typeof layoutFor>): Float32Array {
  try {
    return paramsOf(layout, bundle)
  } catch (cause) {
    throw unreadable(cause instanceof Error ? cause.message : String(cause), cause)
  }
}

function recordsOf(bundle: Bundle): readonly string[] {
  const found = hasTensor(bundle, RECORDS) ? tensorOf(bundle, RECORDS) : null
  if (found?.dtype !== 'uint8' || found.shape[1] !== RECORD_HASH_BYTES) {
    throw unreadable(`It has no ${RECORDS}, uint8 [records, ${RECORD_HASH_BYTES}]`, undefined)
  }
  const { data, shape } = found
  const text = Buffer.from(data as Uint8Array).toString('hex')
  return Array.from({ length: shape[0] ?? 0 }, (_, i) =>
    text.slice(2 * RECORD_HASH_BYTES * i, 2 * RECORD_HASH_BYTES * (i + 1)),
  )
}
