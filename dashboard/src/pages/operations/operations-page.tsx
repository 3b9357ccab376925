import { useQuery } from '@tanstack/react-query'
import type { OperationsView } from '#protocol/server-views.js'
import { bytes, count, duration, number } from '../../look/format.js'
import { useNow } from '../../look/use-now.js'
import { Busy } from '../../parts/empty.js'
import { Figure, Figures } from '../../parts/figures.js'
import { Page } from '../../parts/page.js'
import { Problem } from '../../parts/problem.js'
import { problemOf } from '../../server/api.js'
import { useLiveList } from '../../server/connection.js'
import { operationsQuery } from '../../server/queries.js'
import { Charts } from './charts.js'
import { LogPanel } from './log-panel.js'
import css from './operations.module.css'

/** How the coordinator does, and what was done on it. */
export function OperationsPage() {
  useLiveList('operations')
  const { data: view, error, refetch } = useQuery(operationsQuery)
  if (view === undefined)
    return (
      <Page title="Operations">
        {error === null ? (
          <Busy label="Loading …" />
        ) : (
          <Problem error={problemOf(error)} onRetry={() => void refetch()} />
        )}
      </Page>
    )
  return (
    <Page title="Operations" note={`Tributary ${view.version}`}>
      <div className={css['page']}>
        <Now view={view} />
        <Charts samples={view.samples} />
        <LogPanel log={view.log} />
      </div>
    </Page>
  )
}

/** 28 Nov, 21:26 */
const sinceText = (time: string): string =>
  new Date(time).toLocaleString('en-GB', {
    ...{ day: 'numeric', month: 'short' },
    ...{ hour: '2-digit', minute: '2-digit' },
  })

function Now({ view: { now, samples, startedAt } }: { readonly view: OperationsView }) {
  // What is measured now has only begun since the latest sample.
  const { lagMs } = samples.at(-1) ?? now
  const seconds = Math.max(0, Math.floor((useNow() - Date.parse(startedAt)) / 1000))
  const uploads = now.uploadsActive + now.uploadsWaiting
  return (
    <Figures>
      <Figure label="Up for" below={<time dateTime={startedAt}>since {sinceText(startedAt)}</time>}>
        {duration(seconds)}
      </Figure>
      <Figure label="Event loop lag" below="99th percentile of 5 s">
        {number(Number(lagMs.toFixed(1)))} ms
      </Figure>
      <Figure label="Memory" below={`${bytes(now.heapBytes)} in the heap`}>
        {bytes(now.rssBytes)}
      </Figure>
      <Figure
        label="Store"
        below={now.freeBytes === null ? null : `${bytes(now.freeBytes)} free on the disk`}
      >
        {now.storeBytes === null ? '–' : bytes(now.storeBytes)}
      </Figure>
      <Figure
        label="Connections"
        below={`${count(now.nodesOnline)} ${now.nodesOnline === 1 ? 'node' : 'nodes'} online`}
      >
        {count(now.connections)}
      </Figure>
      <Figure label="Uploads" below={`${count(now.uploadsWaiting)} wait their turn`}>
        {count(uploads)}
      </Figure>
    </Figures>
  )
}
