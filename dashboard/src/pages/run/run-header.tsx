import { Link } from '@tanstack/react-router'
import { ChevronLeft, ChevronRight } from 'lucide-react'
import type { RunView } from '#protocol/run-views.js'
import { Ago } from '../../parts/time.js'
import { Badge } from '../../parts/mark.js'
import { RunState } from '../../parts/run-state.js'
import css from './run-page.module.css'

/** From where the page was reached. */
export const Crumb = () => (
  <span className={css['crumb']}>
    <Link to="/runs">
      <ChevronLeft className={css['back']} size={16} aria-hidden="true" />
      <span className={css['crumbWord']}>Runs</span>
    </Link>
    <ChevronRight className={css['crumbSign']} size={13} aria-hidden="true" />
  </span>
)

/** What one wants to know of a run at a glance, beside its name. */
export function RunNote({ view }: { readonly view: RunView }) {
  const { line } = view
  return (
    <span className={css['note']}>
      <span className={css['stateWord']}>
        <RunState run={line} />
      </span>
      <span className={css['stateSign']}>
        <RunState run={line} isSign />
      </span>
      {line.kind !== 'deployed' && <Badge tone="neutral">{line.kind}</Badge>}
      <span className={css['facts']}>
        {line.method} · {line.model} · started <Ago time={line.createdAt} />
      </span>
    </span>
  )
}
