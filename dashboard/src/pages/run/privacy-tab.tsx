import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { levelText } from '#protocol/audit-level.js'
import { LEVEL_WORDS } from '#protocol/audit-words.js'
import type { HttpAnswer } from '#protocol/http-api.js'
import type { RunView } from '#protocol/run-views.js'
import { duration, moment } from '../../look/format.js'
import { AuditBadge } from '../../parts/audit-badge.js'
import { Busy } from '../../parts/empty.js'
import { Facts } from '../../parts/facts.js'
import { Notice } from '../../parts/notice.js'
import { Panel } from '../../parts/panel.js'
import { Problem } from '../../parts/problem.js'
import { Progress } from '../../parts/progress.js'
import { problemOf } from '../../server/api.js'
import { auditQuery } from '../../server/queries.js'
import type { LiveRun } from '../../server/run.js'
import { alsoLeaving, transformSteps } from './panels/leaving.js'
import css from './panels/panels.module.css'

/** What the run promises its members, and what was found out about it. */
export function PrivacyTab({ run: { view } }: { readonly run: LiveRun }) {
  return (
    <div className={css['stack']}>
      <Audit view={view} />
      <div className={css['pair']}>
        <Leaving view={view} />
        <div className={css['stack']}>
          <Hidden view={view} />
          <Kept view={view} />
        </div>
      </div>
    </div>
  )
}

function Audit({ view: { line, config } }: { readonly view: RunView }) {
  const { data: audit, error, refetch } = useQuery(auditQuery(line.runId))
  const actions = audit !== undefined && audit.report !== null && (
    <Link to="/audits/$runId" params={{ runId: line.runId }} className={css['more']}>
      Open the report
    </Link>
  )
  return (
    <Panel
      title="Privacy audit"
      note={line.audit.state === 'none' ? undefined : <AuditBadge audit={line.audit} />}
      actions={actions}
    >
      {audit === undefined ? (
        error === null ? (
          <Busy label="Loading …" />
        ) : (
          <Problem error={problemOf(error)} onRetry={() => void refetch()} />
        )
      ) : audit.state === 'none' ? (
        <p className={css['say']}>
          {config.audit === undefined
            ? 'This run has no privacy audit: nobody tried what its updates reveal. A run is audited before its first round where its configuration has the key audit.'
            : 'There is no report of this run’s audit.'}
        </p>
      ) : (
        <Found audit={audit} />
      )}
    </Panel>
  )
}

function Found({ audit }: { readonly audit: HttpAnswer<'GET /api/runs/:id/audit'> }) {
  const { verdict, because, threshold, obstacles, override, source, decidedAt, progress } = audit
  const words = verdict === null ? null : LEVEL_WORDS[verdict]
  return (
    <div className={css['stack']}>
      {progress !== null && (
        <div className={css['badges']}>
          <Progress
            label="Parts of the audit"
            done={progress.done}
            total={progress.total}
            isActive
          />
          <span className="muted">
            {progress.secondsLeft === null
              ? 'Attacks on updates of canaries are under way'
              : `about ${duration(progress.secondsLeft)} left`}
          </span>
        </div>
      )}
      {obstacles.length > 0 && (
        <Notice tone="bad" title="The report proves nothing">
          <ul className={css['list']}>
            {obstacles.map((obstacle) => (
              <li key={obstacle}>{obstacle}</li>
            ))}
          </ul>
        </Notice>
      )}
      {override !== null && (
        <Notice tone="warn" title={`${override.by} let the run start all the same`}>
          {override.reason}
        </Notice>
      )}
      {words !== null && (
        <div>
          <p className={css['found']}>{words.found}</p>
          <p className={css['say']}>{words.means}</p>
        </div>
      )}
      <Facts
        items={[
          verdict !== null && ['Verdict', levelText(verdict)],
          because !== null && ['Because', because],
          ['Starts with', threshold === null ? 'any verdict' : `at most ${levelText(threshold)}`],
          source !== null && [
            'Report',
            source === 'audited' ? 'made by this coordinator' : 'attached when the run was started',
          ],
          decidedAt !== null && ['Decided', moment(decidedAt)],
          override !== null && ['Overridden', `${moment(override.at)}, by ${override.by}`],
        ]}
      />
    </div>
  )
}

function Leaving({ view: { config } }: { readonly view: RunView }) {
  const steps = transformSteps(config)
  const also = alsoLeaving(config)
  return (
    <Panel title="Before an update leaves a node">
      {steps.length === 0 ? (
        <p className={css['say']}>
          Nothing is done to updates: they leave nodes as training made them. <code>updates</code>{' '}
          in the configuration can clip them, add noise, or send less of them.
        </p>
      ) : (
        <ol className={css['steps']}>
          {steps.map(({ name, text }, i) => (
            <li key={i} className={css['step']}>
              <div>
                <p className={css['stepName']}>{name}</p>
                <p className={css['stepText']}>{text}</p>
              </div>
            </li>
          ))}
        </ol>
      )}
      {also.length > 0 && (
        <>
          <p className={css['also']}>Beside updates these leave nodes:</p>
          <ul className={css['list']}>
            {also.map((what) => (
              <li key={what}>{what}</li>
            ))}
          </ul>
        </>
      )}
    </Panel>
  )
}

function Hidden({ view: { hidden } }: { readonly view: RunView }) {
  return (
    <Panel title="What nobody is shown">
      {hidden.length === 0 ? (
        <p className={css['say']}>
          Nothing is hidden from those who may see the run. Where a run adds noise to updates, or
          calibrates with differential privacy, the coordinator shows sums and means over all
          members alone.
        </p>
      ) : (
        <>
          <p className={css['say']}>
            Noise is to hide single members, so the coordinator tells nobody, administrators
            included:
          </p>
          <ul className={css['list']}>
            {hidden.map((what) => (
              <li key={what}>{what}</li>
            ))}
          </ul>
        </>
      )}
    </Panel>
  )
}

function Kept({ view: { config } }: { readonly view: RunView }) {
  return (
    <Panel title="What the coordinator keeps">
      <p className={css['say']}>
        {config.durability === 'ephemeral'
          ? 'Updates of an open round are encrypted with a key that is only in memory: after a restart nobody can read them, and the round begins anew.'
          : 'Updates of an open round are kept encrypted, so that a restart loses none, and are removed when the round closes. Models and metrics stay.'}
      </p>
    </Panel>
  )
}
