/** What rounds with diagnostics tell of local models, of heads and of features. */
import type { Diagnostics, Geometry, LayerSimilarity } from '#protocol/diagnostics.js'
import type { RoundRecord } from '#protocol/record.js'

type Local = NonNullable<Diagnostics['local']>
export interface Compared {
  readonly round: number
  readonly local: Local
}
/** Rounds that compared local models. */
export const comparedIn = (records: readonly RoundRecord[]): readonly Compared[] =>
  records.flatMap(({ round, diagnostics }) =>
    diagnostics?.local === undefined ? [] : [{ round, local: diagnostics.local }],
  )

/** Layers, from the input to the logits, whose plain CKA is too high: fewer probe examples than four times the width. */
export const biasedLayers = ({ layers, probe }: Local): readonly string[] =>
  layers.filter(({ width }) => probe < 4 * width).map(({ name }) => name)

export const hasPairs = (
  layer: LayerSimilarity,
): layer is LayerSimilarity & { pairs: (number | null)[][] } => layer.pairs !== undefined

export interface GeometryMeasure {
  readonly key: Exclude<keyof Geometry, 'of' | 'examples'>
  readonly title: string
  readonly isShare: boolean
  readonly good: 'smaller' | 'larger' | null
  readonly meaning: string
}
/** In the order in which people ask: is a class a point, are classes spread evenly, does the head fit, how full are features. */
export const GEOMETRY_MEASURES: readonly GeometryMeasure[] = [
  {
    ...{ key: 'withinClassVariability', title: 'Within-class variability', isShare: false },
    good: 'smaller',
    meaning: 'Spread within classes beside that between them; 0: every class is one point',
  },
  {
    ...{ key: 'betweenClassShare', title: 'Between-class share', isShare: true },
    good: 'larger',
    meaning: 'Share of the spread of features that lies between classes',
  },
  {
    ...{ key: 'equinorm', title: 'Unequal lengths', isShare: false },
    good: 'smaller',
    meaning: 'How much the distances of class means from their centre differ; 0: all as far',
  },
  {
    ...{ key: 'equiangularity', title: 'Unequal angles', isShare: false },
    good: 'smaller',
    meaning: 'How much the angles between class means differ; 0: all pairs alike',
  },
  {
    ...{ key: 'maximalAngle', title: 'Distance from the widest angle', isShare: false },
    good: 'smaller',
    meaning: 'How far class means are from being as wide apart as is possible; 0: they are',
  },
  {
    ...{ key: 'selfDuality', title: 'Head off the class means', isShare: false },
    good: 'smaller',
    meaning: 'How far the head’s class vectors point elsewhere than the class means; 0: the same',
  },
  {
    ...{ key: 'featureNorm', title: 'Length of features', isShare: false },
    good: null,
    meaning: 'Mean L2 norm of what enters the head',
  },
  {
    ...{ key: 'deadFeatures', title: 'Dead features', isShare: true },
    good: 'smaller',
    meaning: 'Share of features that are the same for every example',
  },
  {
    ...{ key: 'effectiveRank', title: 'Effective rank', isShare: false },
    good: null,
    meaning: 'How many directions features use; at most their number',
  },
]
