import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { ChartSpline, ChevronRight } from 'lucide-react'
import { useMemo } from 'react'
import { count } from '../../look/format.js'
import { inOrderOfInterest } from '../../look/metric-words.js'
import { Busy, Empty } from '../../parts/empty.js'
import { Page } from '../../parts/page.js'
import { Problem } from '../../parts/problem.js'
import { Segments } from '../../parts/segments.js'
import { ChosenRuns } from './chosen-runs.js'
import { ComparedCurves } from './compared-curves.js'
import css from './compare.module.css'
import { ConfigDifferences } from './config-differences.js'
import { groupsOf, hasRepetitions } from './groups.js'
import { PickRuns } from './pick-runs.js'
import { RESULT_METRICS } from './results.js'
import { ResultsTable } from './results-table.js'
import type { CompareSearch } from './search.js'
import { useCompared, type Comparison } from './use-compared.js'

const X_ITEMS = [
  { id: 'rounds', label: 'Rounds' },
  { id: 'seconds', label: 'Time' },
  { id: 'bytes', label: 'Bytes' },
] as const
const BY_ITEMS = [
  { id: 'setting', label: 'Settings' },
  { id: 'run', label: 'Runs' },
] as const
const NO_RUNS: readonly string[] = []

/** Runs beside each other, as they go on: curves, results, and in what their configurations differ. */
export function ComparePage() {
  const search = useSearch({ from: '/compare' })
  const navigate = useNavigate({ from: '/compare' })
  const ids = search.run ?? NO_RUNS
  const { metric = 'accuracy', and = 'loss' } = search
  const names = useMemo(() => [...new Set([metric, and, ...RESULT_METRICS])], [metric, and])
  const comparison = useCompared(ids, names)
  const change = (next: CompareSearch): void =>
    void navigate({ search: withoutEmpty({ ...search, ...next }), replace: true })
  const pick = (run: readonly string[]): void => change({ run: [...run] })
  const before = (
    <nav aria-label="Where this belongs" className={css['way']}>
      <Link to="/runs">Runs</Link>
      <ChevronRight size={14} aria-hidden="true" />
    </nav>
  )
  return (
    <Page
      title="Compare"
      before={before}
      {...(ids.length > 0
        ? { note: `${count(ids.length)} ${ids.length === 1 ? 'run' : 'runs'}` }
        : {})}
      actions={<PickRuns lines={comparison.lines} chosen={ids} onChange={pick} />}
    >
      {ids.length === 0 ? (
        <Empty icon={ChartSpline} title="No runs chosen">
          Choose up to 12 runs, and their curves, results and settings stand beside each other.
        </Empty>
      ) : (
        <Compared {...{ search, comparison, change, ids }} metrics={[metric, and]} />
      )}
    </Page>
  )
}

function Compared({
  search,
  comparison,
  change,
  ids,
  metrics: [metric, and],
}: {
  readonly search: CompareSearch
  readonly comparison: Comparison
  readonly change: (next: CompareSearch) => void
  readonly ids: readonly string[]
  readonly metrics: readonly [first: string, second: string]
}) {
  const { runs, unknown, isPending, problem, retry } = comparison
  const { x = 'rounds', by = 'setting' } = search
  const groups = useMemo(() => groupsOf(runs, by), [runs, by])
  const names = useMemo(
    () => inOrderOfInterest([...new Set(runs.flatMap((run) => run.metrics))]),
    [runs],
  )
  if (problem !== null && runs.length === 0) return <Problem error={problem} onRetry={retry} />
  if (isPending && runs.length === 0) return <Busy label="Loading runs …" />
  const curves = { groups, names, against: x }
  return (
    <div className={css['page']}>
      <div className={css['controls']}>
        <Segments
          label="Draw against"
          items={X_ITEMS}
          value={x}
          onChange={(next) => change({ x: next === 'rounds' ? undefined : next })}
        />
        {hasRepetitions(runs) && (
          <Segments
            label="A line for each of"
            items={BY_ITEMS}
            value={by}
            onChange={(next) => change({ by: next === 'setting' ? undefined : next })}
          />
        )}
        {groups.some((group) => group.runs.length > 1) && (
          <span className={css['seeds']}>
            Lines are means; bands reach from the lowest to the highest seed
          </span>
        )}
      </div>
      {problem !== null && <Problem error={problem} onRetry={retry} />}
      <ChosenRuns
        {...{ groups, unknown }}
        onRemove={(gone) => change({ run: ids.filter((id) => !gone.includes(id)) })}
      />
      <div className={css['charts']}>
        <ComparedCurves {...curves} metric={metric} onMetric={(next) => change({ metric: next })} />
        <ComparedCurves {...curves} metric={and} onMetric={(next) => change({ and: next })} />
      </div>
      <ResultsTable groups={groups} />
      <ConfigDifferences groups={groups} />
    </div>
  )
}

/** What is as it is by itself stands in no address. */
const withoutEmpty = (search: CompareSearch): CompareSearch =>
  Object.fromEntries(
    Object.entries(search).filter(([, value]) => value !== undefined && value.length > 0),
  )
