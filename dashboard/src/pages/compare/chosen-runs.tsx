import { Link } from '@tanstack/react-router'
import { X } from 'lucide-react'
import { IconButton } from '../../parts/button.js'
import { LineKey } from '../../parts/line-key.js'
import { RunState } from '../../parts/run-state.js'
import css from './compare.module.css'
import { seedsText, type Group } from './groups.js'

/** What is compared: its colour, its state, and the way to leave it out. */
export function ChosenRuns({
  groups,
  unknown,
  onRemove,
}: {
  readonly groups: readonly Group[]
  readonly unknown: readonly string[]
  readonly onRemove: (runIds: readonly string[]) => void
}) {
  return (
    <ul className={css['chosen']} aria-label="Compared">
      {groups.map(({ id, label, look, runs }) => {
        const [first] = runs
        return (
          <li key={id} className={css['chip']}>
            <LineKey look={look} />
            {runs.length === 1 && first !== undefined ? (
              <>
                <RunState run={first.line} isSign />
                <Link to="/runs/$runId" params={{ runId: id }} className={css['chipName']}>
                  {label}
                </Link>
              </>
            ) : (
              <>
                <span className={css['chipName']}>{label}</span>
                <span className={css['seeds']}>{seedsText(runs)}</span>
              </>
            )}
            <IconButton
              label={`Leave out ${label}`}
              icon={X}
              onPress={() => onRemove(runs.map(({ runId }) => runId))}
            />
          </li>
        )
      })}
      {unknown.map((id) => (
        <li key={id} className={css['chip']}>
          <span className={css['seeds']}>There is no run {id}</span>
          <IconButton label={`Leave out ${id}`} icon={X} onPress={() => onRemove([id])} />
        </li>
      ))}
    </ul>
  )
}
