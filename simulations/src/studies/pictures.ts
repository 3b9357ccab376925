import type { ChartValue } from '#simulations/report/chart.js'
import { barSvg, curveSvg, stripSvg } from '#simulations/report/figures.js'
import { rangeOf } from '#simulations/report/trajectories.js'
import type { CellResult } from './cell-result.js'
import { isShare } from './table-text.js'
import type { Study } from './load-study.js'
import { differenceTo, groupBy, valueOf } from './table.js'

const unitOf = (results: readonly CellResult[]) =>
  isShare(results[0]?.measure ?? '') ? 'share' : 'number'

/** The bands of more would cover each other. */
const MOST_BANDS = 4

/**
 * The measure over the rounds of one setting: a line a variant; of a few, with bands from the lowest to the highest seed. A
 * variant that starts from the model of another begins where that one ends; calibrated models stand beside their line.
 */
export function curvesPicture(title: string, results: readonly CellResult[]): string {
  const variants = groupBy(results, ({ variant }) => variant)
  return curveSvg({
    title,
    x: { label: 'round', unit: 'count' },
    y: { label: results[0]?.measure ?? '', unit: unitOf(results) },
    series: [...variants].map(([name, own]) => ({
      name,
      points: curveOf(own, firstRound(own, variants)).map(({ low, high, ...point }) =>
        variants.size > MOST_BANDS ? point : { ...point, low, high },
      ),
    })),
  })
}

/** Where the rounds of a variant begin: after all those of what it starts from. */
function firstRound(
  results: readonly CellResult[],
  variants: ReadonlyMap<string, readonly CellResult[]>,
): number {
  const start = variants.get(results[0]?.startsFrom ?? '') ?? []
  const rounds = start.flatMap(({ curve }) => Object.keys(curve).map(Number))
  return rounds.length === 0 ? 0 : Math.max(...rounds) + firstRound(start, variants)
}

/** Only rounds that every seed measured: a mean over other seeds than the one before would jump. */
function curveOf(results: readonly CellResult[], first: number) {
  const curves = results.map(({ curve }) => new Map(Object.entries(curve)))
  const calibrated = results[0]?.calibration?.rounds ?? []
  const rounds = [...(curves[0]?.keys() ?? [])]
  return rounds.flatMap((round) => {
    const values = curves.map((curve) => curve.get(round)).filter((value) => value !== undefined)
    const aside = calibrated.includes(Number(round)) ? { isAside: true } : {}
    const x = first + Number(round)
    return values.length < curves.length ? [] : [{ x, ...chartValue(values), ...aside }]
  })
}

/** The measure at the end: variants side by side, in every setting. Whiskers go from the lowest to the highest seed. */
export function accuracyPicture(title: string, results: readonly CellResult[]): string {
  const settings = [...groupBy(results, ({ setting }) => setting).keys()]
  const variants = [...groupBy(results, ({ variant }) => variant).keys()]
  const valueAt = (setting: string, variant: string): ChartValue | null => {
    const own = results.filter((one) => one.setting === setting && one.variant === variant)
    const values = own.map(valueOf).filter((value) => value !== undefined)
    return values.length === 0 ? null : chartValue(values)
  }
  const [only] = settings
  const isOne = settings.length === 1 && only !== undefined
  const measure = results[0]?.measure ?? ''
  return barSvg({
    title,
    label: isOne ? 'variant' : 'setting',
    categories: isOne ? variants : settings,
    y: { label: measure, unit: unitOf(results) },
    form: isShare(measure) ? 'bars' : 'markers',
    series: isOne
      ? [{ name: measure, values: variants.map((variant) => valueAt(only, variant)) }]
      : variants.map((variant) => ({
          name: variant,
          values: settings.map((setting) => valueAt(setting, variant)),
        })),
  })
}

/** What each variant gained over the baseline, in every setting, in the look that it has in the other pictures. Whiskers go from the lowest to the highest seed. */
export function gainPicture(
  { name, baseline }: Pick<Study, 'name' | 'baseline'>,
  results: readonly CellResult[],
): string {
  const settings = groupBy(results, ({ setting }) => setting)
  const variants = [...groupBy(results, ({ variant }) => variant).keys()]
  const measure = results[0]?.measure ?? ''
  const [scale, unit] = isShare(measure) ? [100, ', points'] : [1, '']
  const gainAt = (setting: string, variant: string): ChartValue | null => {
    const [others, own] = [baseline, variant].map((of) =>
      (settings.get(setting) ?? []).filter((one) => one.variant === of),
    )
    const gains = (own ?? []).map((one) => differenceTo(one, others ?? []))
    const known = gains.filter((gain) => gain !== undefined)
    return known.length === 0 ? null : chartValue(known.map((gain) => scale * gain))
  }
  return barSvg({
    title: `${name}: gain over ${baseline}`,
    label: 'setting',
    categories: [...settings.keys()],
    y: { label: `gain in ${measure}${unit}`, unit: 'number' },
    form: 'markers',
    series: variants
      .map((variant, look) => ({
        ...{ name: variant, look },
        values: [...settings.keys()].map((setting) => gainAt(setting, variant)),
      }))
      .filter((variant) => variant.name !== baseline),
  })
}

/** Every client of every seed as a dot, at the end of one setting: a strip a variant. Null where nothing is known of single clients. */
export function clientsPicture(title: string, results: readonly CellResult[]): string | null {
  const strips = [...groupBy(results, ({ variant }) => variant)].map(([name, own], look) => ({
    ...{ name, look },
    dots: own.flatMap(({ seed, clients = [] }) =>
      clients.map(({ slot, accuracy }) => ({ y: accuracy, at: `slot ${slot}, seed ${seed}` })),
    ),
  }))
  const known = strips.filter(({ dots }) => dots.length > 0)
  if (known.length === 0) return null
  return stripSvg({
    title,
    label: 'variant',
    y: { label: 'accuracy of a client', unit: 'share' },
    strips: known,
  })
}

interface Range extends ChartValue {
  readonly low: number
  readonly high: number
}
function chartValue(values: readonly number[]): Range {
  const { mean, low, high } = rangeOf(values)
  return { y: mean, low, high }
}
