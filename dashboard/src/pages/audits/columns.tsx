import { Link } from '@tanstack/react-router'
import { AUDIT_LEVELS, levelText } from '#protocol/audit-level.js'
import type { AuditLine } from '#protocol/server-views.js'
import { count } from '../../look/format.js'
import { Level } from '../../parts/level.js'
import { Badge } from '../../parts/mark.js'
import type { Column } from '../../parts/table.js'
import { Ago } from '../../parts/time.js'
import css from './audits.module.css'
import { STATE_TONES, STATE_WORDS } from './state-words.js'

const none = <span className="muted">–</span>

export const AUDIT_COLUMNS: readonly Column<AuditLine>[] = [
  {
    ...{ id: 'name', header: 'Run', isRowHeader: true },
    sortBy: (audit) => audit.name,
    cell: (audit) => <Name audit={audit} />,
  },
  {
    ...{ id: 'verdict', header: 'Verdict', width: 164, narrowWidth: 164 },
    sortBy: ({ verdict }) => (verdict === null ? null : AUDIT_LEVELS.indexOf(verdict)),
    // Of a report that proves nothing there is no verdict.
    cell: ({ verdict, obstacles }) =>
      verdict === null || obstacles.length > 0 ? none : <Level level={verdict} />,
  },
  {
    ...{ id: 'state', header: 'Outcome', width: 124, from: 'tablet' },
    sortBy: ({ state }) => STATE_WORDS[state],
    cell: ({ state }) => <Badge tone={STATE_TONES[state]}>{STATE_WORDS[state]}</Badge>,
  },
  {
    ...{ id: 'threshold', header: 'Starts up to', width: 128, from: 'desktop' },
    sortBy: ({ threshold }) => (threshold === null ? null : AUDIT_LEVELS.indexOf(threshold)),
    cell: ({ threshold }) => (
      <span className={css['second']}>{threshold === null ? 'any' : levelText(threshold)}</span>
    ),
  },
  {
    ...{ id: 'effort', header: 'Tried', width: 156, from: 'desktop' },
    sortBy: ({ report }) => report?.records ?? null,
    cell: ({ report }) =>
      report === null ? (
        none
      ) : (
        <span className={css['second']}>
          {report.budget}, {count(report.records)} records
        </span>
      ),
  },
  {
    ...{ id: 'stale', header: 'Covers the run', width: 128, from: 'tablet' },
    sortBy: ({ report }) => report?.staleKeys.length ?? null,
    cell: ({ report }) => <Stale keys={report?.staleKeys ?? null} />,
  },
  {
    ...{ id: 'pictures', header: 'Pictures until', width: 108, from: 'desktop' },
    sortBy: ({ report }) => report?.picturesUntil ?? null,
    cell: ({ report }) => report?.picturesUntil ?? none,
  },
  {
    ...{ id: 'source', header: 'Source', width: 84, from: 'desktop' },
    sortBy: ({ source }) => source,
    cell: ({ source }) => source ?? none,
  },
  {
    ...{ id: 'decided', header: 'Decided', width: 108, align: 'end', from: 'tablet' },
    sortBy: ({ decidedAt }) => (decidedAt === null ? null : Date.parse(decidedAt)),
    cell: ({ decidedAt }) =>
      decidedAt === null ? (
        none
      ) : (
        <span className={css['second']}>
          <Ago time={decidedAt} />
        </span>
      ),
  },
]

/** On a phone, where its columns are not there, the name says what they would. */
function Name({ audit: { runId, name, state, report } }: { readonly audit: AuditLine }) {
  return (
    <span className={css['name']}>
      <Link to="/audits/$runId" params={{ runId }} data-row-link className={css['link']}>
        {name}
      </Link>
      <span className={css['below']}>
        {STATE_WORDS[state]}
        {(report?.staleKeys.length ?? 0) > 0 && ' · stale'}
      </span>
    </span>
  )
}

/** A report is stale for a run that differs from what was audited. */
function Stale({ keys }: { readonly keys: readonly string[] | null }) {
  if (keys === null) return none
  if (keys.length === 0) return <span className={css['second']}>yes</span>
  return (
    <span title={keys.join(', ')}>
      <Badge tone="warn">
        stale: {keys.length} {keys.length === 1 ? 'key' : 'keys'}
      </Badge>
    </span>
  )
}
