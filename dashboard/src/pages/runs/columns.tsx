import { Link } from '@tanstack/react-router'
import type { RunLine } from '#protocol/run-views.js'
import { percent } from '../../look/format.js'
import { AuditBadge } from '../../parts/audit-badge.js'
import { Progress } from '../../parts/progress.js'
import { RunState } from '../../parts/run-state.js'
import { Sparkline } from '../../parts/sparkline.js'
import type { Column } from '../../parts/table.js'
import { Ago } from '../../parts/time.js'
import css from './runs.module.css'

const STATE_ORDER: readonly RunLine['state'][] = [
  'running',
  'waiting',
  'stopped',
  'failed',
  'finished',
]

const none = <span className="muted">–</span>

export const RUN_COLUMNS: readonly Column<RunLine>[] = [
  {
    ...{ id: 'name', header: 'Run', isRowHeader: true },
    sortBy: (run) => run.name,
    cell: (run) => <Name run={run} />,
  },
  {
    ...{ id: 'state', header: 'State', width: 112, from: 'tablet' },
    sortBy: (run) => STATE_ORDER.indexOf(run.state),
    cell: (run) => <RunState run={run} />,
  },
  {
    ...{ id: 'method', header: 'Method', width: 116, from: 'tablet' },
    sortBy: (run) => run.method,
    cell: (run) => run.method,
  },
  {
    ...{ id: 'model', header: 'Model', width: 96, from: 'desktop' },
    sortBy: (run) => run.model,
    cell: (run) => <span className={css['second']}>{run.model}</span>,
  },
  {
    ...{ id: 'round', header: 'Rounds', width: 160, from: 'tablet' },
    sortBy: (run) => run.round / Math.max(1, run.rounds),
    cell: (run) => (
      <Progress
        label={`Rounds of ${run.name}`}
        done={run.round}
        total={run.rounds}
        isActive={run.state === 'running'}
      />
    ),
  },
  {
    ...{ id: 'accuracy', header: 'Accuracy', width: 172, narrowWidth: 166, align: 'end' },
    sortBy: (run) => run.accuracy,
    cell: (run) =>
      run.accuracy === null ? (
        none
      ) : (
        <span className={css['accuracy']}>
          <Sparkline values={run.accuracies} />
          <span className={css['percent']}>{percent(run.accuracy)}</span>
        </span>
      ),
  },
  {
    ...{ id: 'members', header: 'Nodes', width: 72, align: 'end', from: 'desktop' },
    sortBy: (run) => run.members,
    cell: (run) => run.members,
  },
  {
    ...{ id: 'audit', header: 'Audit', width: 132, from: 'desktop' },
    sortBy: (run) => run.audit.verdict ?? (run.audit.state === 'none' ? null : run.audit.state),
    cell: (run) => <AuditBadge audit={run.audit} />,
  },
  {
    ...{ id: 'updated', header: 'Updated', width: 108, align: 'end', from: 'tablet' },
    sortBy: (run) => Date.parse(run.latestAt ?? run.createdAt),
    cell: (run) => (
      <span className={css['second']}>
        <Ago time={run.latestAt ?? run.createdAt} />
      </span>
    ),
  },
]

/** On a phone, where its columns are not there, the name says what they would. */
function Name({ run }: { readonly run: RunLine }) {
  return (
    <span className={css['name']}>
      <span className={css['sign']}>
        <RunState run={run} isSign />
      </span>
      <Link to="/runs/$runId" params={{ runId: run.runId }} data-row-link className={css['link']}>
        {run.name}
      </Link>
      {run.kind !== 'deployed' && <span className={css['kind']}>{run.kind}</span>}
      <span className={css['below']}>
        {run.method} · {run.round} / {run.rounds}
      </span>
    </span>
  )
}
