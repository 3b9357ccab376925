import { count } from '../../look/format.js'
import css from './class-bars.module.css'

const [WIDTH, HEIGHT] = [72, 20]
/** As many bars as can be told apart in so little room. */
const MOST_BARS = 24

/** Neighbouring classes together, so that there are `most` numbers at most. */
export function binned(counts: readonly number[], most: number): readonly number[] {
  const size = Math.max(1, Math.ceil(counts.length / most))
  return Array.from({ length: Math.ceil(counts.length / size) }, (_, i) =>
    counts.slice(i * size, (i + 1) * size).reduce((sum, one) => sum + one, 0),
  )
}

/** How the classes are spread, in a word's room. How many there are stands beside it. */
export function ClassBars({ counts }: { readonly counts: readonly number[] }) {
  const bars = binned(counts, MOST_BARS)
  const highest = Math.max(1, ...bars)
  const step = WIDTH / bars.length
  const width = Math.max(1, Math.min(8, step - 1))
  return (
    <svg className={css['bars']} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
      <line x1="0" y1={HEIGHT - 0.5} x2={WIDTH} y2={HEIGHT - 0.5} className={css['ground']} />
      {bars.map((value, i) => {
        const height = value === 0 ? 0 : Math.max(1.5, (value / highest) * (HEIGHT - 2))
        return (
          <rect
            key={i}
            x={i * step + (step - width) / 2}
            y={HEIGHT - 1 - height}
            width={width}
            height={height}
          />
        )
      })}
    </svg>
  )
}

const MOST_ROWS = 24
interface ClassCount {
  readonly name: string
  readonly value: number
}

/** The same to be read: every class with its count, the largest of very many. */
export function ClassList({
  classes,
  counts,
}: {
  readonly classes: readonly string[]
  readonly counts: readonly number[]
}) {
  const all = classes.map((name, i): ClassCount => ({ name, value: counts[i] ?? 0 }))
  const isLong = all.length > MOST_ROWS
  const shown = isLong ? all.toSorted((a, b) => b.value - a.value).slice(0, MOST_ROWS) : all
  const highest = Math.max(1, ...shown.map(({ value }) => value))
  return (
    <>
      <table className={css['list']}>
        <caption className="said">Examples by class</caption>
        <tbody>
          {shown.map(({ name, value }) => (
            <tr key={name}>
              <th scope="row" title={name}>
                {name}
              </th>
              <td className={css['meter']}>
                <svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
                  <rect x="0" y="0" width="100" height="8" className={css['groove']} />
                  <rect x="0" y="0" width={(value / highest) * 100} height="8" />
                </svg>
              </td>
              <td className={css['value']}>{count(value)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {isLong && (
        <p className="muted">
          The largest {MOST_ROWS} of {count(all.length)} classes
        </p>
      )}
    </>
  )
}
