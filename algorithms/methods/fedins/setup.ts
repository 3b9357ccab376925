import type { Bundle } from '#protocol/bundle.js'
import { float32Of, hasTensor } from '#protocol/bundle.js'
import type { Stream } from '#algorithms/tensor/stream.js'
import { FederationError } from '#protocol/errors.js'
import { canonicalJson } from '#protocol/json.js'
import type { MethodSetup } from '#algorithms/methods/method.js'
import { backboneParams } from '#algorithms/models/backbone.js'
import { extractorOf } from '#algorithms/models/extractor.js'
import type { Model } from '#algorithms/models/model.js'
import type { ParamLayout } from '#algorithms/models/params.js'
import { tf } from '#algorithms/tensor/tf.js'
import type { FedInsHyper } from './hyper.js'
import type { Router } from './objective.js'
import { poolShapeOf, type PoolShape } from './pool.js'
import { domainEntries, nearestKeys, randomEntries } from './routing.js'

export type FedInsSetup = MethodSetup<FedInsHyper>
/** The asset's name, and the tensor beside the pool's that holds the mean query. */
export const BACKBONE = 'backbone'
export const CENTER = 'center'

export const shapeOf = ({ model, hyper }: FedInsSetup): PoolShape => poolShapeOf(model, hyper)

/** Params by what they were made from and for which layout: the same array as long as the bundle or the model lives. */
const made = new WeakMap<Bundle | Model, Map<string, Float32Array>>()

/** The frozen params: out of the asset, or as the seed draws them. Equal arguments, the same array: queries are kept by it. */
export function frozenParams(
  { model, hyper, streams }: FedInsSetup,
  assets: Readonly<Record<string, Bundle>>,
): Float32Array {
  const { layout } = extractorOf(model)
  if (hyper.backbone === 'random') {
    return remembered(model, layout, () =>
      model.init(streams('init', 0, 0)).subarray(0, layout.parameterCount),
    )
  }
  const bundle = assets[BACKBONE]
  if (bundle === undefined) {
    throw new FederationError('task/failed', 'The task came without its backbone')
  }
  return remembered(bundle, layout, () => backboneParams(model, bundle))
}

function remembered(
  source: Bundle | Model,
  { params }: ParamLayout,
  make: () => Float32Array,
): Float32Array {
  const name = canonicalJson(params.map(({ name: param, shape }) => [param, shape]))
  const known = made.get(source) ?? new Map<string, Float32Array>()
  const frozen = known.get(name) ?? make()
  made.set(source, known.set(name, frozen))
  return frozen
}

/** False as long as queries are to be centred and their mean is not there. */
export const isCentred = ({ hyper }: FedInsSetup, bundle: Bundle): boolean =>
  !hyper.queryCentering || hasTensor(bundle, CENTER)

/** The mean query to subtract; null without centring. */
export const centerIn = ({ hyper }: FedInsSetup, bundle: Bundle): Float32Array | null =>
  hyper.queryCentering ? float32Of(bundle, CENTER) : null

/** `streamOf` is asked for the random numbers of a row; only random routing asks. */
export function routerOf({ hyper, model }: FedInsSetup, streamOf: (row: number) => Stream): Router {
  const { topK, routing } = hyper
  const { entries } = poolShapeOf(model, hyper)
  return (queries, keys, { rows, domains }) => {
    if (routing === 'random') return randomEntries(streamOf, rows, { entries, k: topK })
    if (routing === 'oracle') return domainEntries(domains, entries)
    if (keys !== null) return nearestKeys(queries, keys, topK)
    // A pool of one.
    return tf.ones([rows.length, entries])
  }
}
