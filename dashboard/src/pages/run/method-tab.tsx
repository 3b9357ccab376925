import type { JsonObject } from '#protocol/json.js'
import type { RunView } from '#protocol/run-views.js'
import { Facts } from '../../parts/facts.js'
import { Panel } from '../../parts/panel.js'
import type { LiveRun } from '../../server/run.js'
import { CalibrationPanels } from './panels/calibration-panels.js'
import { DroppingPanels } from './panels/dropping-panels.js'
import { FairnessPanels } from './panels/fairness-panels.js'
import { OwnMetrics } from './panels/own-metrics-panels.js'
import { ownMetrics } from './panels/own-metrics.js'
import css from './panels/panels.module.css'
import { RoutingPanels } from './panels/routing-panels.js'
import { SimilarityPanels } from './panels/similarity-panels.js'

/** How the method does what it does: what it records of itself, and what it does to clients. */
export function MethodTab({ run }: { readonly run: LiveRun }) {
  const { view } = run
  const { metrics, config } = view
  const own = ownMetrics(metrics)
  return (
    <div className={css['stack']}>
      {config.method.name === 'fedins' && <RoutingPanels run={run} />}
      {metrics.includes('cut') && <DroppingPanels run={run} />}
      {config.calibration !== undefined && <CalibrationPanels run={run} />}
      {metrics.includes('clients/accuracy') && <FairnessPanels run={run} />}
      {view.diagnosed.length > 0 && <SimilarityPanels run={run} />}
      {own.length > 0 && <OwnMetrics run={run} names={own} />}
      {view.diagnosed.length === 0 && <Undiagnosed view={view} />}
      <Settings view={view} />
    </div>
  )
}

function Settings({ view: { config } }: { readonly view: RunView }) {
  const parts = [config.method, config.calibration].flatMap((choice) => {
    if (choice === undefined) return []
    const { name, ...options } = choice as unknown as JsonObject & { readonly name: string }
    const items = Object.entries(options)
    return items.length === 0 ? [] : [{ name, items }]
  })
  return parts.map(({ name, items }) => (
    <Panel key={name} title={`Settings of ${name}`}>
      <div className={css['columns']}>
        <Facts
          isWide
          items={items.map(([key, value]) => [key, <code key={key}>{JSON.stringify(value)}</code>])}
        />
      </div>
    </Panel>
  ))
}

/** What could have been looked at, and was not asked for. */
function Undiagnosed({ view: { config, hidden, line } }: { readonly view: RunView }) {
  const isAsked = config.evaluation.diagnostics !== undefined
  return (
    <Panel title="Similarity of local models">
      <p className={css['say']}>
        {hidden.length > 0 ? (
          'The privacy settings of this run hide what compares members.'
        ) : isAsked ? (
          line.state === 'running' || line.state === 'waiting' ? (
            'Local models are compared when the first training round is closed.'
          ) : (
            'No training round compared local models: they are compared in the first and the last one.'
          )
        ) : (
          <>
            This run compares no local models. A run does, layer by layer, where its configuration
            has <code>evaluation.diagnostics</code>: clients then send their local model beside the
            update in the first and the last training round.
          </>
        )}
      </p>
    </Panel>
  )
}
