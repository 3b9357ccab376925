import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { CircleAlert } from 'lucide-react'
import { Suspense } from 'react'
import { isRunId, type RunId } from '#protocol/id-shapes.js'
import type { RunLine } from '#protocol/run-views.js'
import { Busy } from '../../parts/empty.js'
import { Page } from '../../parts/page.js'
import { Problem } from '../../parts/problem.js'
import { Tabs } from '../../parts/tabs.js'
import { useRun, type LiveRun } from '../../server/run.js'
import { NotFound } from '../../shell/page-problem.js'
import { RunActions } from './run-actions.js'
import { Crumb, RunNote } from './run-header.js'
import css from './run-page.module.css'
import type { TabId } from './tab-ids.js'
import { RUN_TABS } from './tabs.js'

/** One run, as it goes on. */
export function RunPage() {
  const { runId } = useParams({ from: '/runs/$runId' })
  return isRunId(runId) ? <KnownRunPage key={runId} runId={runId} /> : <NotFound />
}

function KnownRunPage({ runId }: { readonly runId: RunId }) {
  const { run, problem, retry } = useRun(runId)
  if (run !== null) return <ShownRunPage run={run} />
  return (
    <Page title="Run" before={<Crumb />}>
      {problem === null ? (
        <Busy label="Loading the run …" />
      ) : (
        <Problem error={problem} onRetry={retry} />
      )}
    </Page>
  )
}

function ShownRunPage({ run }: { readonly run: LiveRun }) {
  const { tab } = useSearch({ from: '/runs/$runId' })
  const navigate = useNavigate({ from: '/runs/$runId' })
  const { view } = run
  const tabs = RUN_TABS.filter(({ isFor }) => isFor?.(view) ?? true)
  const shown = tabs.find(({ id }) => id === tab) ?? tabs[0]
  if (shown === undefined) return null
  const Part = shown.component
  const open = (id: TabId): void =>
    void navigate({ search: id === tabs[0]?.id ? {} : { tab: id }, replace: true })
  return (
    <Page
      title={view.line.name}
      before={<Crumb />}
      note={<RunNote view={view} />}
      actions={<RunActions line={view.line} />}
      isFlush
    >
      <Tabs label="Parts of the run" items={tabs} value={shown.id} onChange={open}>
        <Reason line={view.line} />
        <Suspense fallback={<Busy label="Loading …" />}>
          <Part run={run} />
        </Suspense>
      </Tabs>
    </Page>
  )
}

/** Why it waits, was stopped or has failed. */
function Reason({ line: { reason, state } }: { readonly line: RunLine }) {
  if (reason === null) return null
  return (
    <p className={css['reason']} data-tone={state === 'failed' ? 'bad' : 'warn'}>
      <CircleAlert size={14} aria-hidden="true" />
      {reason}
    </p>
  )
}
