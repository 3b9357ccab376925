/** What a batch of reconstructions shows of its records, one by one. Gifd specification §13. */
import { rowSize, type Dataset } from '#data/dataset.js'
import { pickFloats } from '#data/formats/floats.js'
import { assigned } from './assign.js'
import { squaredDistance, type AuxiliaryNetwork } from './auxiliary-network.js'
import { rankOf, type Candidates } from './identification.js'
import { joined, meanSquaredError, picturesOf, psnr, relativeError } from './pictures.js'
import { ssim } from './ssim.js'

/** One record against the reconstruction that is assigned to it. Plain JSON: no number is infinite. */
export interface RecordScore {
  readonly psnr: number
  readonly ssim: number
  /** ‖x̂ − x‖ / ‖x‖ */
  readonly relativeError: number
  /** Places by squared error, from 1; see `ranks`. */
  readonly anyClass: number
  readonly sameClass: number
  /** Null: there is no auxiliary network. */
  readonly auxiliary: { readonly distance: number; readonly sameClass: number } | null
}

interface ScoredBatch {
  /** [batch, ...inputShape] of `pool`, in the order of the records. */
  readonly truth: Float32Array
  /** Of each record; rows of `pool`. */
  readonly candidates: readonly Candidates[]
  readonly pool: Dataset
  /** Null: pictures too small for one, or no pictures. */
  readonly network: AuxiliaryNetwork | null
}

export interface Scorer {
  /** `reconstructions` in any order; the same assignment serves all metrics (§13.5). In the order of the records. */
  score(reconstructions: Float32Array): Promise<readonly RecordScore[]>
  /** The reconstructions themselves, in the order of the records. */
  ordered(reconstructions: Float32Array): readonly Float32Array[]
}

interface Compared {
  readonly truth: Float32Array
  readonly any: readonly Float32Array[]
  readonly same: readonly Float32Array[]
}

/** Looks at records and candidates once, for all the methods that are scored on them. */
export async function createScorer(batch: ScoredBatch): Promise<Scorer> {
  const { pool, network } = batch
  const shape = pool.inputShape
  const truths = picturesOf(batch.truth, shape)
  const rowsOf = (rows: Int32Array) =>
    picturesOf(pickFloats(pool.features, rowSize(shape), rows), shape)
  const pictures = truths.map((truth, i): Compared => {
    const { anyClass, sameClass } = batch.candidates[i]!
    return { truth, any: rowsOf(anyClass), same: rowsOf(sameClass) }
  })
  const embeddings = network === null ? null : await Promise.all(pictures.map(embedder(network)))
  const ordered = (reconstructions: Float32Array) =>
    assigned(picturesOf(reconstructions, shape), truths)
  return {
    ordered,
    score: async (reconstructions) => {
      const ours = ordered(reconstructions)
      const vectors = network === null ? null : await network.embed(joined(ours))
      return ours.map((picture, i) => ({
        ...likeness(picture, pictures[i]!.truth, shape),
        ...ranks(ours, pictures[i]!),
        auxiliary:
          embeddings === null || vectors === null
            ? null
            : auxiliaryScore({ vector: vectors[i]!, all: vectors }, embeddings[i]!),
      }))
    },
  }
}

const embedder =
  (network: AuxiliaryNetwork) =>
  async ({ truth, same }: Compared) => {
    const [own, ...others] = await network.embed(joined([truth, ...same]))
    return { own: own!, others }
  }

const likeness = (picture: Float32Array, truth: Float32Array, shape: readonly number[]) => ({
  psnr: psnr(picture, truth),
  ssim: ssim(picture, truth, shape),
  relativeError: relativeError(picture, truth),
})

/**
 * Places of a record among others, each by the picture of the batch that is nearest to it. The picture that is assigned to a
 * record is the best of several for it and of no other: by that one alone, records would be told by chance more often than
 * one in so many.
 */
function ranks(all: readonly Float32Array[], { truth, any, same }: Compared) {
  const distance = (other: Float32Array): number =>
    least(all, (picture) => meanSquaredError(picture, other))
  const own = distance(truth)
  return {
    anyClass: rankOf(own, any.map(distance)),
    sameClass: rankOf(own, same.map(distance)),
  }
}

const least = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((smallest, item) => Math.min(smallest, of(item)), Infinity)

/** `vector`: of the picture that is assigned to the record, among those of all. */
function auxiliaryScore(
  { vector, all }: { readonly vector: Float32Array; readonly all: readonly Float32Array[] },
  { own, others }: { readonly own: Float32Array; readonly others: readonly Float32Array[] },
) {
  const distance = (other: Float32Array): number => least(all, (one) => squaredDistance(one, other))
  return {
    distance: squaredDistance(vector, own),
    sameClass: rankOf(distance(own), others.map(distance)),
  }
}
