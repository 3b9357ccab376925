import css from './sparkline.module.css'

const WIDTH = 72
const HEIGHT = 20
const PAD = 2

/** The course of a number in a word's room. The number itself stands beside it, so that it says nothing to who hears the page. */
export function Sparkline({ values }: { readonly values: readonly number[] }) {
  const last = values.at(-1)
  if (last === undefined) return null
  const [low, high] = [Math.min(...values), Math.max(...values)]
  const x = (i: number): number => PAD + (i / Math.max(1, values.length - 1)) * (WIDTH - 2 * PAD)
  const y = (value: number): number =>
    high === low ? HEIGHT / 2 : HEIGHT - PAD - ((value - low) / (high - low)) * (HEIGHT - 2 * PAD)
  const points = values.map((value, i) => `${x(i).toFixed(1)},${y(value).toFixed(1)}`).join(' ')
  const [first, end] = [x(0), x(values.length - 1)]
  return (
    <svg className={css['sparkline']} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
      {values.length > 1 && (
        <>
          <polygon
            className={css['area']}
            points={`${first},${HEIGHT} ${points} ${end},${HEIGHT}`}
          />
          <polyline className={css['line']} points={points} />
        </>
      )}
      <circle className={css['end']} cx={end} cy={y(last)} r="1.75" />
    </svg>
  )
}
