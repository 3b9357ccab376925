import { useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { number, percent, percentTick } from '../../../look/format.js'
import { Bars } from '../../../parts/bars.js'
import { HeatMap } from '../../../parts/heat-map.js'
import { Panel } from '../../../parts/panel.js'
import { Problem } from '../../../parts/problem.js'
import { Scatter } from '../../../parts/scatter.js'
import { Segments } from '../../../parts/segments.js'
import { problemOf } from '../../../server/api.js'
import { api } from '../../../server/client.js'
import { growing, useCurves, type LiveRun } from '../../../server/run.js'
import { fileName } from './file-name.js'
import { MetricCurves } from './metric-curves.js'
import css from './panels.module.css'
import { usageNames, usageTable } from './usage.js'

const MOST_ROUNDS = 40
const ORDERS = [
  { id: 'number', label: 'By number' },
  { id: 'use', label: 'By use' },
] as const
const EVENNESS_LABELS = { 'routing/effectiveEntries': 'Effective entries' }
const whole = (share: number): string => `${Math.round(share * 100)}`

/** A pool of entries (FedIns): which are used, how that came about, and where their keys lie. */
export function RoutingPanels({ run }: { readonly run: LiveRun }) {
  const { runId, view } = run
  const names = useMemo(() => usageNames(view.metrics), [view.metrics])
  const { data: curves } = useCurves(runId, names)
  const usage = useMemo(() => usageTable(curves ?? [], MOST_ROUNDS), [curves])
  const columns = useMemo(() => usage.rounds.map(String), [usage])
  return (
    <>
      <div className={css['pair']}>
        <Usage run={run} entries={usage.entries} latest={usage.latest} />
        <PoolKeys run={run} />
      </div>
      <HeatMap
        title="Use of the pool, round by round"
        fileName={fileName(view, 'usage')}
        rows={usage.entries}
        {...{ columns, values: usage.values }}
        rowLabel="Entry"
        columnLabel="Round"
        format={percent}
        tick={whole}
        hint="Shares of the selections, in percent. A pool whose keys collapse turns dark in a few rows and pale in all others."
      />
      <div className={css['pair']}>
        <MetricCurves
          run={run}
          title="Effective entries"
          names={['routing/effectiveEntries']}
          labels={EVENNESS_LABELS}
          note="exp of the entropy of their use"
        />
        <MetricCurves
          run={run}
          title="Keys and queries"
          names={['routing/similarity', 'routing/mutualInformation']}
        />
      </div>
    </>
  )
}

function Usage({
  run: { view },
  entries,
  latest,
}: {
  readonly run: LiveRun
  readonly entries: readonly string[]
  readonly latest: readonly (number | null)[]
}) {
  const [order, setOrder] = useState<'number' | 'use'>('number')
  const shown = useMemo(() => {
    const all = entries.map((name, i) => ({ name, share: latest[i] ?? null }))
    const sorted =
      order === 'number' ? all : all.toSorted((a, b) => (b.share ?? 0) - (a.share ?? 0))
    return {
      categories: sorted.map(({ name }) => name),
      series: [{ label: 'Share of selections', values: sorted.map(({ share }) => share) }],
    }
  }, [entries, latest, order])
  const line = useMemo(() => ({ at: 1 / Math.max(1, entries.length), label: 'even' }), [entries])
  return (
    <Bars
      title="Use of the pool"
      note="in the latest round that counted it"
      fileName={fileName(view, 'pool-use')}
      {...shown}
      label="Entry"
      format={percent}
      tick={percentTick}
      line={line}
      room={300}
      nothing="No round has counted it yet"
      controls={<Segments label="Order" items={ORDERS} value={order} onChange={setOrder} />}
    />
  )
}

const HEADERS = ['Entry', 'First direction', 'Second direction', 'Share of selections'] as const

function PoolKeys({ run: { runId, view } }: { readonly run: LiveRun }) {
  const { data, error, refetch } = useQuery({
    queryKey: growing(runId, 'keys'),
    queryFn: ({ signal }) => api.call('GET /api/runs/:id/keys', { params: { id: runId }, signal }),
  })
  const points = useMemo(
    () =>
      (data?.keys ?? []).map(({ x, y, usage }, i) => ({
        ...{ name: String(i), x, y, size: usage },
        said: `Entry ${i}: ${usage === null ? 'not used yet' : `${percent(usage)} of selections`}`,
      })),
    [data],
  )
  if (error !== null && data === undefined)
    return (
      <Panel title="Keys of the pool">
        <Problem error={problemOf(error)} onRetry={() => void refetch()} />
      </Panel>
    )
  const [first, second] = data?.shown ?? [0, 0]
  return (
    <Scatter
      title="Keys of the pool"
      {...(data === undefined ? {} : { note: `after round ${data.round}` })}
      fileName={fileName(view, 'keys')}
      {...{ points, headers: HEADERS }}
      xLabel={`${percentTick(Number(first.toFixed(3)))} of the spread`}
      yLabel={`${percentTick(Number(second.toFixed(3)))} of the spread`}
      hint={
        data === undefined
          ? undefined
          : `Two of ${number(data.width)} dimensions: those in which keys lie farthest apart. Areas are shares of selections; keys that lie together are chosen together.`
      }
    />
  )
}
