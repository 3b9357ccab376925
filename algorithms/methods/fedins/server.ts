import { float32Of, hasTensor, makeBundle, nestBundles, partOf } from '#protocol/bundle.js'
import type { Bundle, NamedTensor } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import type { Hash } from '#protocol/ids.js'
import type { Metrics } from '#protocol/record.js'
import type { Grid, UplinkGroup } from '#protocol/uplink.js'
import { largestCohort, meanGridFor } from '#algorithms/aggregators/grid.js'
import { effectiveEntries } from '#algorithms/evaluation/routing.js'
import { flatOf, namedTensors } from '#algorithms/methods/delta.js'
import type {
  Folded,
  PlannedAssets,
  RoundPlan,
  ServerHalf,
  ServerSetup,
} from '#algorithms/methods/method.js'
import { scalarOf, summedGroup } from '#algorithms/methods/update.js'
import { backboneParams } from '#algorithms/models/backbone.js'
import { extractorOf } from '#algorithms/models/extractor.js'
import { paramsOf } from '#algorithms/models/params.js'
import { PRETRAINED_KEYS } from '#algorithms/training/pretrained-keys.js'
import type { FedInsHyper } from './hyper.js'
import { initialPool, KEYS, poolLayout } from './pool.js'
import { BACKBONE, CENTER, shapeOf } from './setup.js'

type Setup = ServerSetup<FedInsHyper>

/** The pool, the mean query once it is known, and the server optimizer's own tensors. */
interface State {
  readonly pool: Float32Array
  readonly center: Float32Array | null
  readonly optimizer: Bundle
}

/** Sends the pool, averages how far its entries moved index by index, takes a step of the server optimizer. */
export function fedinsServer(setup: Setup): ServerHalf {
  return {
    init: (startFrom) => packed(setup, initialState(setup, startFrom)),
    next: (state) => nextPlan(setup, unpacked(setup, state)),
    async close(state, plan, folded) {
      const before = unpacked(setup, state)
      if (plan.task['step'] === CENTER) {
        const center = Float32Array.from(summedGroup(folded, 'query').tensors['mean'] ?? [])
        return { state: packed(setup, { ...before, center }), metrics: {} }
      }
      const delta = poolDelta(setup, folded)
      const stepped = setup.serverOptimizer.step(before.pool, delta, before.optimizer)
      const after = { ...before, pool: stepped.params, optimizer: stepped.state }
      return { state: packed(setup, after), metrics: routingHealth(folded) }
    },
    released: (state) => ({
      bundle: poolBundle(setup, unpacked(setup, state)),
      assets: assetsOf(setup),
      predicts: false,
    }),
  }
}

function initialState(setup: Setup, startFrom: Bundle | null): State {
  const { model, hyper, streams, serverOptimizer } = setup
  const shape = shapeOf(setup)
  // Refused here, when the run is created, rather than on every node.
  if (hyper.backbone === 'startFrom' && startFrom !== null) backboneParams(model, startFrom)
  const pool = initialPool(shape, streams('fedins-pool', 0, 0))
  if (hyper.keyInit === 'kmeans') replaceKeys(setup, pool, startFrom)
  return { pool, center: null, optimizer: serverOptimizer.init(pool.length) }
}

const SHORTEST_KEY = 1e-6

function replaceKeys(setup: Setup, pool: Float32Array, startFrom: Bundle | null): void {
  const { poolSize } = setup.hyper
  const { width } = extractorOf(setup.model)
  const found = startFrom?.tensors.find(({ name }) => name === PRETRAINED_KEYS)
  if (startFrom === null || found === undefined || found.shape.join() !== `${poolSize},${width}`) {
    const has = found === undefined ? 'it has none' : `it has [${found.shape.join(', ')}]`
    throw new FederationError(
      'model/does-not-fit',
      `method.keyInit kmeans needs ${PRETRAINED_KEYS} [${poolSize}, ${width}] in the bundle that startFrom names; ${has}. Pre-train with keys ${poolSize}`,
    )
  }
  const layout = poolLayout(shapeOf(setup))
  const keys = namedTensors(layout, pool).find(({ name }) => name === KEYS)
  keys?.data.set(longEnough(float32Of(startFrom, PRETRAINED_KEYS), width))
}

/** Steps of a key go with 1 / ‖K‖: one of about zero would leap anywhere. */
function longEnough(keys: Float32Array, width: number): Float32Array {
  for (let m = 0; m * width < keys.length; m++) {
    const length = Math.hypot(...keys.subarray(m * width, (m + 1) * width))
    if (!(length >= SHORTEST_KEY && length < Infinity)) {
      throw new FederationError(
        'model/does-not-fit',
        `Row ${m} of ${PRETRAINED_KEYS} has length ${length}: a key is at least ${SHORTEST_KEY} long`,
      )
    }
  }
  return keys
}

const centerTensors = (center: Float32Array | null): readonly NamedTensor[] =>
  center === null ? [] : [{ name: CENTER, shape: [center.length], dtype: 'float32', data: center }]

const poolBundle = (setup: Setup, { pool, center }: State): Bundle =>
  makeBundle([...namedTensors(poolLayout(shapeOf(setup)), pool), ...centerTensors(center)])

const packed = (setup: Setup, state: State): Bundle =>
  nestBundles({ pool: poolBundle(setup, state), optimizer: state.optimizer })

function unpacked(setup: Setup, state: Bundle): State {
  const pool = partOf(state, 'pool')
  return {
    pool: paramsOf(poolLayout(shapeOf(setup)), pool),
    center: hasTensor(pool, CENTER) ? float32Of(pool, CENTER) : null,
    optimizer: partOf(state, 'optimizer'),
  }
}

/** The backbone is the bundle that the run starts from, or needs no asset because its seed is known. */
const assetsOf = ({ config, hyper }: Setup): PlannedAssets =>
  hyper.backbone === 'startFrom' && config.startFrom !== null
    ? { [BACKBONE]: config.startFrom as Hash }
    : {}

function nextPlan(setup: Setup, state: State): RoundPlan {
  const isCentred = !setup.hyper.queryCentering || state.center !== null
  const common = { assets: assetsOf(setup), audience: 'cohort' as const }
  if (!isCentred) {
    const uplink = [queryGroup(setup)]
    return {
      ...common,
      purpose: 'statistics',
      task: { step: CENTER },
      shared: makeBundle([]),
      uplink,
    }
  }
  return {
    ...common,
    ...{ purpose: 'train', task: {} },
    shared: poolBundle(setup, state),
    uplink: [poolGroup(setup), routingGroup(setup)],
  }
}

/** Every client counts once: the grid can be finer than one that has to hold numbers of examples. */
const uniformGrid = ({ config }: Setup): Grid =>
  meanGridFor({
    ...{ maxMembers: largestCohort(config), maxExamples: 1 },
    maxAbs: config.aggregation.maxAbs,
  })

/** uniform: each reporter counts 1. Otherwise by examples; `usage` then divides each entry by how often it was chosen. */
function weightOf(setup: Setup): Pick<UplinkGroup, 'weight' | 'grid'> {
  return setup.hyper.weighting === 'uniform'
    ? { weight: 'uniform', grid: uniformGrid(setup) }
    : { weight: 'examples', grid: setup.meanGrid }
}

function poolGroup(setup: Setup): UplinkGroup {
  const { params, parameterCount } = poolLayout(shapeOf(setup))
  return {
    ...{ name: 'pool', tensors: params, reduce: 'mean', privacyClass: 'model-delta' },
    ...weightOf(setup),
    maxBytes: parameterCount * Float32Array.BYTES_PER_ELEMENT,
    ...(setup.hyper.upload === 'sparse' ? { sparseRows: true as const } : {}),
  }
}

/** Shares of the choices that fell on each entry, and the mean cosine of chosen keys. */
function routingGroup(setup: Setup): UplinkGroup {
  const { poolSize } = setup.hyper
  return {
    name: 'routing',
    tensors: [
      { name: 'usage', shape: [poolSize], dtype: 'float32' },
      { name: 'similarity', shape: [1], dtype: 'float32' },
    ],
    ...{ reduce: 'mean', privacyClass: 'statistics' },
    ...weightOf(setup),
    maxBytes: (poolSize + 1) * Float32Array.BYTES_PER_ELEMENT,
  }
}

function queryGroup(setup: Setup): UplinkGroup {
  const { width } = extractorOf(setup.model)
  return {
    name: 'query',
    tensors: [{ name: 'mean', shape: [width], dtype: 'float32' }],
    ...{ reduce: 'mean', weight: 'uniform', grid: uniformGrid(setup), privacyClass: 'statistics' },
    maxBytes: width * Float32Array.BYTES_PER_ELEMENT,
  }
}

/** The mean delta; by usage it is Σ u Δ / Σ u entry by entry, and nothing where nobody chose the entry. */
function poolDelta(setup: Setup, folded: Folded): Float64Array {
  const layout = poolLayout(shapeOf(setup))
  const group = summedGroup(folded, 'pool')
  if (setup.hyper.weighting !== 'usage') return flatOf(layout, group)
  const usage = usageIn(folded)
  const tensors = Object.fromEntries(
    Object.entries(group.tensors).map(([name, values]) => {
      const width = values.length / usage.length
      const row = (i: number): number => usage[Math.floor(i / width)]!
      return [name, values.map((value, i) => (row(i) > 0 ? value / row(i) : 0))]
    }),
  )
  return flatOf(layout, { ...group, tensors })
}

const usageIn = (folded: Folded): Float64Array =>
  summedGroup(folded, 'routing').tensors['usage'] ?? new Float64Array(0)

/** How the clients' training examples were routed: few entries in use means that the keys have collapsed. */
function routingHealth(folded: Folded): Metrics {
  const usage = usageIn(folded)
  const shares = Array.from(usage, (share, m): [string, number] => [`routing/usage/${m}`, share])
  return {
    ...Object.fromEntries(shares),
    'routing/effectiveEntries': effectiveEntries(usage),
    'routing/similarity': scalarOf(summedGroup(folded, 'routing'), 'similarity'),
  }
}
