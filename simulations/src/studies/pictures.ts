import type { ChartValue } from '#simulations/report/chart.js'
import { barSvg, curveSvg } from '#simulations/report/figures.js'
import { rangeOf } from '#simulations/report/trajectories.js'
import type { CellResult } from './cell-result.js'
import { isShare } from './table-text.js'
import { groupBy, valueOf } from './table.js'

const unitOf = (results: readonly CellResult[]) =>
  isShare(results[0]?.measure ?? '') ? 'share' : 'number'

/** The bands of more would cover each other. */
const MOST_BANDS = 4

/** The measure over the rounds of one setting: a line a variant; of a few, with bands from the lowest to the highest seed. */
export function curvesPicture(title: string, results: readonly CellResult[]): string {
  const variants = groupBy(results, ({ variant }) => variant)
  return curveSvg({
    title,
    x: { label: 'round', unit: 'count' },
    y: { label: results[0]?.measure ?? '', unit: unitOf(results) },
    series: [...variants].map(([name, own]) => ({
      name,
      points: curveOf(own).map(({ x, ...value }) =>
        variants.size > MOST_BANDS ? { x, y: value.y } : { x, ...value },
      ),
    })),
  })
}

/** Only rounds that every seed measured: a mean over other seeds than the one before would jump. */
function curveOf(results: readonly CellResult[]) {
  const curves = results.map(({ curve }) => new Map(Object.entries(curve)))
  const rounds = [...(curves[0]?.keys() ?? [])]
  return rounds.flatMap((round) => {
    const values = curves.map((curve) => curve.get(round)).filter((value) => value !== undefined)
    return values.length < curves.length ? [] : [{ x: Number(round), ...chartValue(values) }]
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

function chartValue(values: readonly number[]): ChartValue {
  const { mean, low, high } = rangeOf(values)
  return { y: mean, low, high }
}
