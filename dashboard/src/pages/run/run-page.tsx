import { useParams, useSearch } from '@tanstack/react-router'
import { Suspense } from 'react'
import { isRunId, type RunId } from '#protocol/id-shapes.js'
import { Busy } from '../../parts/empty.js'
import { Page } from '../../parts/page.js'
import { Problem } from '../../parts/problem.js'
import { useRun } from '../../server/run.js'
import { NotFound } from '../../shell/page-problem.js'
import { RUN_TABS } from './tabs.js'

/** One run, as it goes on. */
export function RunPage() {
  const { runId } = useParams({ from: '/runs/$runId' })
  return isRunId(runId) ? <KnownRunPage key={runId} runId={runId} /> : <NotFound />
}

function KnownRunPage({ runId }: { readonly runId: RunId }) {
  const { tab } = useSearch({ from: '/runs/$runId' })
  const { run, problem, retry } = useRun(runId)
  if (run === null)
    return (
      <Page title="Run">
        {problem === null ? (
          <Busy label="Loading the run …" />
        ) : (
          <Problem error={problem} onRetry={retry} />
        )}
      </Page>
    )
  const shown = RUN_TABS.find(({ id }) => id === tab) ?? RUN_TABS[0]
  if (shown === undefined) return null
  const Tab = shown.component
  return (
    <Page title={run.view.line.name}>
      <Suspense fallback={<Busy label="Loading …" />}>
        <Tab run={run} />
      </Suspense>
    </Page>
  )
}
