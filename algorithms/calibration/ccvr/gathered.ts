import { FederationError } from '#protocol/errors.js'
import type { Slot } from '#protocol/ids.js'
import type { Folded, GatheredPayload, RoundPlan } from '#algorithms/methods/method.js'
import { gatheredGroup, summedGroup } from '#algorithms/methods/update.js'
import { addMoments, type GrowingMoments } from './merge.js'
import { scatterSize, traceOf, type ClassStatistics, type ScatterShape } from './moments.js'
import { toldClasses } from './moments-payload.js'
import { momentsOfGroup } from './sums.js'
import { classesOf, localShape, MOMENTS, stepIn, SUMS, widthOf } from './uplink.js'
import type { CcvrSetup } from './uplink.js'

/** What all clients that answered told, merged in float64. */
export interface GatheredStatistics {
  /**
   * Classes that nobody holds are absent. For covMode low-rank the scatters are full, of what each client kept of its own;
   * for means-only they are full and hold only what lies between clients: Σ n_ck (μ_ck − μ_c)(μ_ck − μ_c)ᵀ.
   */
  readonly statistics: ClassStatistics
  /** Clients that hold a class, by label; empty where clients told only sums. */
  readonly clientsByClass: ReadonlyMap<number, number>
  /** Share of tr(scatter) that lies between clients, by label; a class is absent where it is not known or undefined. */
  readonly betweenByClass: ReadonlyMap<number, number>
  /** Ascending. */
  readonly answered: readonly Slot[]
}

/** The scatter of merged statistics. */
export const mergedShape = ({ hyper }: Pick<CcvrSetup, 'hyper'>): ScatterShape =>
  hyper.covMode === 'means-only' ? 'full' : localShape(hyper)

/**
 * What a closed round of `plan` told, the last one of a calibration (see `isLastRound`). Walks clients in slot order, with one
 * payload in memory at a time. Throws `update/malformed` with the slot of a client whose moments cannot be true.
 */
export async function readStatistics(
  setup: CcvrSetup,
  folded: Folded,
  plan: RoundPlan,
): Promise<GatheredStatistics> {
  const answered = folded.reporters
  const common = { d: widthOf(setup), classes: classesOf(setup), shape: mergedShape(setup) }
  const step = stepIn(plan.task)
  if (step !== 'moments') {
    const byClass = momentsOfGroup(setup, summedGroup(folded, SUMS), { step, shared: plan.shared })
    const unknown = { clientsByClass: new Map(), betweenByClass: new Map() }
    return { statistics: { ...common, byClass }, ...unknown, answered }
  }
  const merged = new Map<number, MergedClass>()
  for await (const payload of gatheredGroup(folded, MOMENTS).payloads())
    mergePayload(setup, merged, payload)
  return { ...collected(setup, common, merged), answered }
}

interface MergedClass extends GrowingMoments {
  clients: number
  /** tr Σ n_ck (μ_ck − μ_c)(μ_ck − μ_c)ᵀ */
  between: number
}

function mergePayload(
  setup: CcvrSetup,
  merged: Map<number, MergedClass>,
  payload: GatheredPayload,
): void {
  const [d, shape] = [widthOf(setup), mergedShape(setup)]
  for (const told of toldClasses(setup, payload)) {
    const own = merged.get(told.label) ?? {
      ...{ n: 0, mean: new Float64Array(d), scatter: new Float64Array(scatterSize(d, shape)) },
      ...{ clients: 0, between: 0 },
    }
    own.between += addMoments(own, told, shape)
    own.clients += 1
    if (!Number.isFinite(own.between + traceOf(own.scatter, d, shape))) {
      throw new FederationError(
        'update/malformed',
        `The statistics of slot ${payload.slot} cannot be true: class ${told.label} lies beyond all numbers`,
      )
    }
    merged.set(told.label, own)
  }
}

/** By ascending label, whoever came first. */
function collected(
  { hyper }: CcvrSetup,
  common: Omit<ClassStatistics, 'byClass'>,
  merged: ReadonlyMap<number, MergedClass>,
): Omit<GatheredStatistics, 'answered'> {
  const ordered = [...merged].sort(([a], [b]) => a - b)
  const shares = ordered.flatMap(([label, { between, scatter }]): [number, number][] => {
    const trace = traceOf(scatter, common.d, common.shape)
    return trace > 0 && hyper.covMode !== 'means-only' ? [[label, between / trace]] : []
  })
  return {
    statistics: { ...common, byClass: new Map(ordered) },
    clientsByClass: new Map(ordered.map(([label, { clients }]) => [label, clients])),
    betweenByClass: new Map(shares),
  }
}
