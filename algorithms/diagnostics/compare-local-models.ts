/**
 * The local models of a round beside each other, before they are averaged: layer by layer by linear CKA on the same examples,
 * and the lengths of their heads' class vectors (ccvr specification §11.1, §11.2).
 */
import type { Diagnostics, LayerSimilarity } from '#protocol/diagnostics.js'
import type { Slot } from '#protocol/ids.js'
import type { Examples } from '#data/dataset.js'
import type { Model } from '#algorithms/models/model.js'
import { tf } from '#algorithms/tensor/tf.js'
import { pairwiseCka, type Gram, type Similarity } from './cka.js'
import { columnNorms, headVectors } from './head-norms.js'
import { gramsOf, inputsOf, layersOf, type Layer } from './layers.js'

/** Compared at most, the first by slot: matrices and the work for them grow with the square. */
export const MOST_COMPARED = 32
/** What the Gram matrices of one walk over the models may take. */
const WALK_BYTES = 2 ** 29

export interface LocalModel {
  readonly slot: Slot
  /** All params of the model. */
  readonly params: Float32Array
}
export interface LocalModels {
  readonly model: Model
  /** By slot, at least one. */
  readonly slots: readonly Slot[]
  /** In the same order, one at a time; may be asked for again. */
  readonly read: () => AsyncIterable<LocalModel>
}

/** Needs a backend. Holds one model at a time and Gram matrices; walks again where those of all layers would be too many. */
export async function compareLocalModels(
  { model, slots, read }: LocalModels,
  probe: Examples,
  walkBytes = WALK_BYTES,
): Promise<NonNullable<Diagnostics['local']>> {
  const compared = slots.slice(0, MOST_COMPARED)
  const layers: LayerSimilarity[] = []
  const norms = new Map<Slot, number[]>()
  const gramBytes = (Float32Array.BYTES_PER_ELEMENT * probe.indices.length ** 2) / 2
  const layersPerWalk = Math.max(1, Math.floor(walkBytes / (compared.length * gramBytes)))
  const inputs = inputsOf(probe)
  try {
    for (const some of chunksOf(layersOf(model), layersPerWalk)) {
      const grams: (readonly Gram[])[] = []
      for await (const { slot, params } of firstOf(read(), compared.length)) {
        norms.set(slot, columnNorms(headVectors(model, params), model.classes))
        grams.push(await gramsOf({ model, params, inputs }, some))
      }
      some.forEach((layer, i) =>
        layers.push(
          similarityOf(
            layer,
            grams.map((own) => own[i]!),
          ),
        ),
      )
    }
  } finally {
    tf.dispose(inputs)
  }
  return {
    slots: [...compared],
    probe: probe.indices.length,
    layers,
    headNorms: compared.map((slot) => (norms.get(slot) ?? []).map(defined)),
  }
}

const chunksOf = <T>(values: readonly T[], size: number): readonly (readonly T[])[] =>
  Array.from({ length: Math.ceil(values.length / size) }, (_, i) =>
    values.slice(i * size, (i + 1) * size),
  )

async function* firstOf<T>(values: AsyncIterable<T>, count: number): AsyncIterable<T> {
  let taken = 0
  for await (const value of values) {
    yield value
    taken += 1
    if (taken === count) return
  }
}

function similarityOf({ name, width }: Layer, grams: readonly Gram[]): LayerSimilarity {
  const pairs = pairwiseCka(grams)
  return {
    name,
    width,
    cka: meanOfPairs(pairs, 'cka'),
    ckaDebiased: meanOfPairs(pairs, 'debiased'),
    pairs: pairs.map((row) => row.map(({ cka }) => defined(toSixDigits(cka)))),
  }
}

/** Over pairs of different clients for which it is defined. */
function meanOfPairs(
  pairs: readonly (readonly Similarity[])[],
  key: keyof Similarity,
): number | null {
  const values = pairs
    .flatMap((row, i) => row.slice(0, i).map((similarity) => similarity[key]))
    .filter((value) => !Number.isNaN(value))
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length
}

/** More than that float32 products do not tell, and a record holds many of them. */
const toSixDigits = (value: number): number => Math.round(value * 1e6) / 1e6

const defined = (value: number): number | null => (Number.isFinite(value) ? value : null)
