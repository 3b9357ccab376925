import { Link } from '@tanstack/react-router'
import { AUDIT_LEVELS, levelText } from '#protocol/audit-level.js'
import type { AuditLine } from '#protocol/server-views.js'
import { count } from '../../look/format.js'
import { AuditBadge } from '../../parts/audit-badge.js'
import { Badge } from '../../parts/mark.js'
import type { Column } from '../../parts/table.js'
import { Ago } from '../../parts/time.js'
import css from './audits.module.css'
import { STATE_WORDS } from './state-words.js'

const none = <span className="muted">–</span>

export const AUDIT_COLUMNS: readonly Column<AuditLine>[] = [
  {
    ...{ id: 'name', header: 'Run', isRowHeader: true },
    sortBy: (audit) => audit.name,
    cell: (audit) => <Name audit={audit} />,
  },
  {
    ...{ id: 'verdict', header: 'Verdict', width: 148, narrowWidth: 140 },
    sortBy: ({ verdict }) => (verdict === null ? null : AUDIT_LEVELS.indexOf(verdict)),
    cell: (audit) => <AuditBadge audit={audit} />,
  },
  {
    ...{ id: 'state', header: 'Outcome', width: 148, from: 'desktop' },
    sortBy: ({ state }) => STATE_WORDS[state],
    cell: ({ state }) => STATE_WORDS[state],
  },
  {
    ...{ id: 'threshold', header: 'Starts up to', width: 136, from: 'tablet' },
    sortBy: ({ threshold }) => (threshold === null ? null : AUDIT_LEVELS.indexOf(threshold)),
    cell: ({ threshold }) => (
      <span className={css['second']}>{threshold === null ? 'any' : levelText(threshold)}</span>
    ),
  },
  {
    ...{ id: 'effort', header: 'Tried', width: 168, from: 'desktop' },
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
    ...{ id: 'stale', header: 'About this run', width: 140, from: 'tablet' },
    sortBy: ({ report }) => report?.staleKeys.length ?? null,
    cell: ({ report }) => <Stale keys={report?.staleKeys ?? null} />,
  },
  {
    ...{ id: 'pictures', header: 'Pictures until', width: 116, from: 'desktop' },
    sortBy: ({ report }) => report?.picturesUntil ?? null,
    cell: ({ report }) => report?.picturesUntil ?? none,
  },
  {
    ...{ id: 'source', header: 'Source', width: 96, from: 'desktop' },
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
