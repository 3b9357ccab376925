import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { Download, ShieldOff, ShieldQuestionMark } from 'lucide-react'
import { useState, type ReactNode } from 'react'
import { duration } from '#protocol/audit-amounts.js'
import type { SignedReport } from '#protocol/audit-report.js'
import { AuditBadge } from '../../parts/audit-badge.js'
import { Button } from '../../parts/button.js'
import { save } from '../../parts/chart-files.js'
import { Busy, Empty } from '../../parts/empty.js'
import { Page } from '../../parts/page.js'
import { Panel } from '../../parts/panel.js'
import { Problem } from '../../parts/problem.js'
import { Progress } from '../../parts/progress.js'
import { problemOf } from '../../server/api.js'
import { auditQuery, auditsQuery } from '../../server/queries.js'
import { useMay } from '../../server/session.js'
import css from './audit.module.css'
import { OverrideWindow } from './override-window.js'
import { Report } from './report.js'
import type { AuditView } from './verdict-panel.js'

/** The privacy audit of one run, as a person reads it who signs for the run. */
export function AuditPage() {
  const { runId } = useParams({ from: '/audits/$runId' })
  const { data: view, error, refetch } = useQuery(auditQuery(runId))
  const { data: audits } = useQuery(auditsQuery)
  const line = audits?.find((audit) => audit.runId === runId)
  const mayOverride = useMay('administrator')
  const [isOverriding, setIsOverriding] = useState(false)
  const title = line === undefined ? 'Privacy audit' : `Audit of ${line.name}`
  if (view === undefined)
    return (
      <Page title={title} before={<Back />}>
        {error === null ? (
          <Busy label="Reading the report …" />
        ) : (
          <Problem error={problemOf(error)} onRetry={() => void refetch()} />
        )}
      </Page>
    )
  const { report: signed, state } = view
  const isStopped = state === 'above-threshold' || (state === 'unsound' && signed !== null)
  const toolbar = (
    <>
      <Link to="/runs/$runId" params={{ runId }} className={css['toRun']}>
        To the run
      </Link>
      <span className={css['spacer']} />
      {mayOverride && isStopped && (
        <Button icon={ShieldOff} onPress={() => setIsOverriding(true)}>
          Override …
        </Button>
      )}
      {signed !== null && (
        <Button icon={Download} onPress={() => saveReport(signed, runId)}>
          report.json
        </Button>
      )}
    </>
  )
  return (
    <Page title={title} before={<Back />} note={<AuditBadge audit={view} />} toolbar={toolbar}>
      {signed === null ? (
        <NoReport view={view} />
      ) : (
        <Report view={view} signed={signed} staleKeys={line?.report?.staleKeys ?? []} />
      )}
      {isOverriding && <OverrideWindow runId={runId} onClose={() => setIsOverriding(false)} />}
    </Page>
  )
}

const Back = (): ReactNode => (
  <Link to="/audits" className={css['back']}>
    Audits
  </Link>
)

/** The same text as the coordinator signed, up to spaces: `audit verify` takes it. */
const saveReport = (signed: SignedReport, runId: string): void =>
  save(
    new Blob([`${JSON.stringify(signed, null, 2)}\n`], { type: 'application/json' }),
    `${runId}-report.json`,
  )

function NoReport({ view: { state, progress } }: { readonly view: AuditView }) {
  if (state !== 'under-way')
    return (
      <Empty icon={ShieldQuestionMark} title="This run has no audit">
        Runs with the key <code>audit</code> in their configuration are audited before their first
        round.
      </Empty>
    )
  const left = progress?.secondsLeft ?? null
  return (
    <div className={css['alone']}>
      <Panel title="The audit is under way">
        <div className={css['bar']}>
          {progress === null ? (
            <p>It waits for the audit of another run, or for the coordinator to begin.</p>
          ) : (
            <>
              <Progress label="Parts of the audit" done={progress.done} total={progress.total} />
              <p className="muted">
                {left === null
                  ? 'How long it takes is known after the first part.'
                  : `About ${duration(left)} left.`}
              </p>
            </>
          )}
          <p className="muted">
            Rounds begin afterwards, if the verdict allows. What is finished is kept when the
            coordinator stops.
          </p>
        </div>
      </Panel>
    </div>
  )
}
