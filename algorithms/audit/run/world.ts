import { bundleHash } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import { sha256, type Hash } from '#protocol/ids.js'
import { createStreams } from '#protocol/random.js'
import { wholeDataset, type Dataset, type Examples } from '#data/dataset.js'
import { datasetHash } from '#data/dataset-hash.js'
import { openShare } from '#data/share.js'
import { modelOf } from '#algorithms/from-config.js'
import { assertMakes } from '#algorithms/audit/generator/fits.js'
import type { LayeredGenerator } from '#algorithms/audit/generator/layered-generator.js'
import {
  auxiliaryStatistics,
  type AuxiliaryStatistics,
} from '#algorithms/audit/labels/auxiliary-statistics.js'
import {
  auxiliaryModel,
  auxiliaryNetwork,
  trainAuxiliary,
  type AuxiliaryNetwork,
} from '#algorithms/audit/metrics/auxiliary-network.js'
import { takenOver } from '#algorithms/models/backbone.js'
import type { Model } from '#algorithms/models/model.js'
import { paramsBundle, toTensors } from '#algorithms/models/params.js'
import { tf } from '#algorithms/tensor/tf.js'
import { assertSameModel, decodeStart } from '#algorithms/start-from.js'
import { chooseRecords, type ChosenRecord } from './choose-records.js'
import { assertNotPublic, assertPixels, assertStrange } from './record-checks.js'
import type { AuditSource, AuditSpec } from './spec.js'

/** What the cells of an audit have in common. The same specification makes the same world in every process. */
export interface AuditWorld {
  /** The audited records and what they are told from. */
  readonly pool: Dataset
  readonly chosen: readonly ChosenRecord[]
  /** Public data that an attacker could have. */
  readonly auxiliary: Dataset
  readonly generator: LayeredGenerator | null
  readonly model: Model
  /** Params before the update, by the state of the model; trained: null where the run starts from seeded params. */
  readonly params: { readonly fresh: Float32Array; readonly trained: Float32Array | null }
  /** For distances that are not those of pixels; null: the records are no pictures, or too small. */
  readonly network: AuxiliaryNetwork | null
  /** What public data tell of the model in that state; computed once. */
  statistics(state: 'fresh' | 'trained'): Promise<AuxiliaryStatistics>
  dispose(): void
}

/** What a report tells of a world: plain JSON. */
export interface WorldFacts {
  /** Of the params that the run begins with. */
  readonly modelHash: Hash
  readonly generator: {
    readonly name: string
    readonly hash: Hash
    readonly trainedOn: string
    readonly projection: { latent: number; stages: number; classMean: number } | null
    /** Whether it could be checked that no audited record is among its training records. */
    readonly tellsRecords: boolean
  } | null
}

/** What only other folders can bring. */
export interface WorldParts {
  /** As the specification names it; the world disposes it. */
  readonly generator: LayeredGenerator | null
  /** Encoded bundle that `run.startFrom` names. */
  readonly start: Uint8Array | null
}

/**
 * Loads the data of an audit and prepares what its cells share, on the backend that is in use. Throws what loaders throw,
 * `audit/data-mismatch`, `model/does-not-fit`, `config/impossible` (also for numbers outside of [0, 1], and audited records that are
 * public), and `audit/record-known` where the generator was trained on an audited record or one that it is compared with.
 */
export async function openWorld(spec: AuditSpec, parts: WorldParts): Promise<AuditWorld> {
  const { run, records, auxiliary } = spec
  const model = modelOf(run)
  const pool = fitted(await openSource(records.data), spec, 'records.data')
  const others = fitted(await openSource(auxiliary), spec, 'auxiliary')
  const fresh = model.init(createStreams(run.seed)('init', 0, 0))
  const chosen = chooseRecords(pool, spec)
  assertNotPublic({ pool, chosen }, others)
  const { generator } = parts
  assertFitting(spec, generator)
  if (generator !== null) {
    assertMakes(generator, pool.inputShape)
    assertStrange(generator, { pool, chosen })
  }
  const network = await networkFor(others, spec)
  const params = { fresh, trained: trainedParams(spec, { model, fresh }, parts.start) }
  return {
    ...{ pool, chosen, auxiliary: others, model, network, generator, params },
    statistics: rememberedStatistics(model, params, wholeDataset(others)),
    dispose: () => {
      network?.dispose()
      generator?.dispose()
    },
  }
}

function rememberedStatistics(
  model: Model,
  { fresh, trained }: AuditWorld['params'],
  auxiliary: Examples,
): AuditWorld['statistics'] {
  const known = new Map<string, Promise<AuxiliaryStatistics>>()
  const compute = async (params: Float32Array): Promise<AuxiliaryStatistics> => {
    const tensors = toTensors(model, params)
    try {
      return await auxiliaryStatistics(model, tensors, auxiliary)
    } finally {
      tf.dispose(tensors)
    }
  }
  return (state) => {
    const found = known.get(state) ?? compute(state === 'fresh' ? fresh : (trained ?? fresh))
    known.set(state, found)
    return found
  }
}

async function networkFor(
  auxiliary: Dataset,
  { seed }: AuditSpec,
): Promise<AuxiliaryNetwork | null> {
  const model = auxiliaryModel(auxiliary.inputShape, auxiliary.classes.length)
  if (model === null) return null
  const params = await trainAuxiliary(model, wholeDataset(auxiliary), createStreams(seed))
  return auxiliaryNetwork(model, params)
}

export function factsOf({ run }: AuditSpec, { model, params, generator }: AuditWorld): WorldFacts {
  const { fresh, trained } = params
  return {
    modelHash: bundleHash(paramsBundle(model, run.startFrom === null ? fresh : (trained ?? fresh))),
    generator: generator === null ? null : generatorFacts(generator),
  }
}

const generatorFacts = ({
  name,
  hash,
  trainedOn,
  ...generator
}: LayeredGenerator): NonNullable<WorldFacts['generator']> => ({
  ...{ name, trainedOn, hash: hash as Hash },
  projection: generator.projection === null ? null : { ...generator.projection },
  tellsRecords: generator.trainingRecords.size > 0,
})

function assertFitting(
  { generator: named, run }: AuditSpec,
  opened: LayeredGenerator | null,
): void {
  if ((named?.hash ?? null) !== (opened?.hash ?? null)) {
    throw new FederationError(
      'audit/data-mismatch',
      'The generator is another one than when the audit began; begin it again',
    )
  }
  const [own, other] = [opened?.imageShape ?? run.task.inputShape, run.task.inputShape]
  if (own.join() === other.join()) return
  throw new FederationError(
    'audit/data-mismatch',
    `The generator makes pictures of ${own.join(' × ')}, and the task takes ${other.join(' × ')}`,
  )
}

async function openSource({ hash, ...source }: AuditSource): Promise<Dataset> {
  const dataset = await openShare(source)
  if (hash !== null && datasetHash(dataset) !== hash) {
    throw new FederationError(
      'audit/data-mismatch',
      `${source.name} holds other records than when the audit began; begin it again`,
    )
  }
  return dataset
}

/** As a run takes over what it starts from; null where it starts from seeded params. */
function trainedParams(
  { run }: AuditSpec,
  { model, fresh }: { readonly model: Model; readonly fresh: Float32Array },
  start: Uint8Array | null,
): Float32Array | null {
  if (run.startFrom === null) return null
  if (start === null || sha256(start) !== run.startFrom) {
    throw new FederationError(
      'model/not-found',
      `The bundle ${run.startFrom} that the run starts from is not here`,
    )
  }
  const bundle = decodeStart(start)
  assertSameModel(run, bundle)
  return takenOver(model, bundle, fresh)
}

/**
 * Records as the task's model takes them. Made-up records stand for any classes: where theirs are others, label i counts as
 * class i mod the number of classes. Throws `audit/data-mismatch` for records of another shape, and for real ones of other classes,
 * `config/impossible` for numbers that no reconstruction can have.
 */
function fitted(dataset: Dataset, { run, records }: AuditSpec, key: string): Dataset {
  const { inputShape, classes } = run.task
  assertPixels(dataset, key)
  if (dataset.inputShape.join('x') !== inputShape.join('x')) {
    throw new FederationError(
      'audit/data-mismatch',
      `${key} holds records of ${dataset.inputShape.join(' × ')}, and the task takes ${inputShape.join(' × ')}`,
    )
  }
  if (dataset.classes.join('\n') === classes.join('\n')) return dataset
  if (records.basis !== 'synthetic' && records.basis !== 'canary') {
    throw new FederationError(
      'audit/data-mismatch',
      `${key} holds records of the classes ${dataset.classes.join(', ')}, and the task takes ${classes.join(', ')}`,
    )
  }
  const labels = dataset.labels.map((label) => label % classes.length)
  return { ...dataset, classes, labels }
}
