import { count } from '../look/format.js'
import css from './progress.module.css'

/** How far something is, as a bar and in figures. */
export function Progress({
  label,
  done,
  total,
  isActive = true,
}: {
  readonly label: string
  readonly done: number
  readonly total: number
  /** It goes on; else the bar rests. */
  readonly isActive?: boolean
}) {
  return (
    <span className={css['progress']}>
      <progress
        className={css['bar']}
        data-active={isActive}
        aria-label={label}
        max={Math.max(1, total)}
        value={Math.min(done, Math.max(1, total))}
      />
      <span className={css['figures']}>
        {count(done)}
        <span className={css['total']}> / {count(total)}</span>
      </span>
    </span>
  )
}
