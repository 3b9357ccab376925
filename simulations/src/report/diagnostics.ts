/** The diagnostics of a run's rounds, put beside each other: what changed between the first and the last, and how to read it. */
import type { Diagnostics, Geometry } from '#protocol/diagnostics.js'
import type { Slot } from '#protocol/ids.js'
import type { RoundRecord, RunRecord } from '#protocol/record.js'
import { headBias, normRatio, type HeadBias } from '#algorithms/diagnostics/head-norms.js'

type Measured = number | null
type LocalModels = NonNullable<Diagnostics['local']>

/** How alike the local models of one round see the same examples, in one layer. Means over pairs of different clients. */
export interface LayerInRound {
  readonly cka: Measured
  readonly debiased: Measured
  /** clients × clients; null where they were too many to be told. */
  readonly pairs: readonly (readonly Measured[])[] | null
}
export interface LayerChange {
  readonly name: string
  readonly width: number
  readonly first: LayerInRound
  /** Equal to the first where only one round was diagnosed. */
  readonly last: LayerInRound
  /** Fewer probe examples than four times the width: the plain value is too high. */
  readonly isBiased: boolean
}
export interface Similarity {
  readonly firstRound: number
  readonly lastRound: number
  /** Whose models were compared, in either round. */
  readonly firstSlots: readonly Slot[]
  readonly lastSlots: readonly Slot[]
  readonly probe: number
  /** From the input to the logits; those that both rounds tell. */
  readonly layers: readonly LayerChange[]
}

/** Lengths of the head's class vectors after one round. */
export interface HeadInRound {
  readonly round: number
  readonly isCalibrated: boolean
  /** Of local heads, before they are averaged; null in rounds that do not compare them. */
  readonly local:
    | (HeadBias & {
        readonly slots: readonly Slot[]
        /** clients × classes */
        readonly norms: readonly (readonly Measured[])[]
        /** Mean over clients of longest over shortest. */
        readonly meanRatio: Measured
      })
    | null
  /** Longest over shortest, of the released model's head. */
  readonly ratio: Measured
}
export interface GeometryInRound {
  readonly round: number
  readonly isCalibrated: boolean
  readonly geometry: Geometry
}
export interface DiagnosticsReport {
  readonly similarity: Similarity | null
  readonly heads: readonly HeadInRound[]
  readonly geometry: readonly GeometryInRound[]
}

/** Null where no round tells any of it; what a calibration says of classes is told with the calibration. */
export function diagnosticsOf(run: RunRecord): DiagnosticsReport | null {
  const report = {
    similarity: similarityOf(run.rounds),
    heads: run.rounds.flatMap((round) => headOf(run, round)),
    geometry: run.rounds.flatMap(geometryOf),
  }
  const isEmpty =
    report.similarity === null && report.heads.length === 0 && report.geometry.length === 0
  return isEmpty ? null : report
}

function similarityOf(rounds: readonly RoundRecord[]): Similarity | null {
  const compared = rounds.flatMap(({ round, diagnostics }) =>
    diagnostics?.local === undefined ? [] : [{ round, local: diagnostics.local }],
  )
  const [first, last] = [compared[0], compared.at(-1)]
  if (first === undefined || last === undefined) return null
  const later = new Map(last.local.layers.map((layer) => [layer.name, layer]))
  return {
    firstRound: first.round,
    lastRound: last.round,
    firstSlots: first.local.slots,
    lastSlots: last.local.slots,
    probe: last.local.probe,
    layers: first.local.layers.flatMap((layer): readonly LayerChange[] => {
      const end = later.get(layer.name)
      if (end === undefined) return []
      const { name, width } = layer
      const isBiased = Math.min(first.local.probe, last.local.probe) < 4 * width
      return [{ name, width, first: inRound(layer), last: inRound(end), isBiased }]
    }),
  }
}
const inRound = ({ cka, ckaDebiased, pairs }: LocalModels['layers'][number]): LayerInRound => ({
  ...{ cka, debiased: ckaDebiased, pairs: pairs ?? null },
})

const isCalibratedIn = ({ part }: RoundRecord): boolean => part === 'calibration'

function headOf({ roster }: RunRecord, told: RoundRecord): readonly HeadInRound[] {
  const { local, headNorms } = told.diagnostics ?? {}
  if (local === undefined && headNorms === undefined) return []
  return [
    {
      ...{ round: told.round, isCalibrated: isCalibratedIn(told) },
      local: local === undefined ? null : localHeads(local, roster),
      ratio: headNorms === undefined ? null : normRatio(headNorms),
    },
  ]
}

function localHeads(local: LocalModels, roster: RunRecord['roster']): HeadInRound['local'] {
  const { slots, headNorms: norms } = local
  const bias = headBias(local, roster)
  const known = bias.ratios.filter((ratio) => ratio !== null)
  const meanRatio =
    known.length === 0 ? null : known.reduce((sum, ratio) => sum + ratio, 0) / known.length
  return { ...bias, slots, norms, meanRatio }
}

const geometryOf = (told: RoundRecord): readonly GeometryInRound[] =>
  told.diagnostics?.geometry === undefined
    ? []
    : [
        {
          ...{ round: told.round, isCalibrated: isCalibratedIn(told) },
          geometry: told.diagnostics.geometry,
        },
      ]

export interface GeometryMeasure {
  readonly key: Exclude<keyof Geometry, 'of' | 'examples'>
  readonly title: string
  readonly isShare: boolean
  /** neither: it says something only beside other runs of the same model. */
  readonly good: 'smaller' | 'larger' | 'neither'
  readonly meaning: string
}

/** In the order in which people ask: is a class a point, are classes spread evenly, does the head fit, how full are features. */
export const GEOMETRY_MEASURES: readonly GeometryMeasure[] = [
  {
    ...{ key: 'withinClassVariability', title: 'Within-class variability', isShare: false },
    good: 'smaller',
    meaning: 'spread within classes beside that between them; 0: every class is one point',
  },
  {
    ...{ key: 'betweenClassShare', title: 'Between-class share', isShare: true },
    good: 'larger',
    meaning: 'share of the spread of features that lies between classes',
  },
  {
    ...{ key: 'equinorm', title: 'Unequal lengths', isShare: false },
    good: 'smaller',
    meaning: 'how much the distances of class means from their centre differ; 0: all as far',
  },
  {
    ...{ key: 'equiangularity', title: 'Unequal angles', isShare: false },
    good: 'smaller',
    meaning: 'how much the angles between class means differ; 0: all pairs alike',
  },
  {
    ...{ key: 'maximalAngle', title: 'Distance from the widest angle', isShare: false },
    good: 'smaller',
    meaning: 'how far class means are from being as wide apart as is possible; 0: they are',
  },
  {
    ...{ key: 'selfDuality', title: 'Head off the class means', isShare: false },
    good: 'smaller',
    meaning: "how far the head's class vectors point elsewhere than the class means; 0: the same",
  },
  {
    ...{ key: 'featureNorm', title: 'Length of features', isShare: false },
    good: 'neither',
    meaning: 'mean L2 norm of what enters the head',
  },
  {
    ...{ key: 'deadFeatures', title: 'Dead features', isShare: true },
    good: 'smaller',
    meaning: 'share of features that are the same for every example',
  },
  {
    ...{ key: 'effectiveRank', title: 'Effective rank', isShare: false },
    good: 'neither',
    meaning: 'how many directions features use; at most their number',
  },
]

/** An early, a middle and the last layer: all of them where they are three or fewer. */
export function threeLayers(layers: readonly LayerChange[]): readonly LayerChange[] {
  const places = new Set([0, Math.floor((layers.length - 1) / 2), layers.length - 1])
  return layers.filter((_, place) => places.has(place))
}
