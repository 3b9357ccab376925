import type { LiveRun } from '../../server/run.js'
import { ConfusionMap } from './panels/confusion-map.js'
import { DomainCurves, domainNames } from './panels/domain-curves.js'
import { LabelMap } from './panels/label-map.js'
import css from './panels/panels.module.css'
import { RecallMap } from './panels/recall-map.js'

/** What the run learns from, as far as it may be seen, and what it has learnt of each class. */
export function DataTab({ run }: { readonly run: LiveRun }) {
  return (
    <div className={css['stack']}>
      <LabelMap view={run.view} />
      <RecallMap run={run} />
      <ConfusionMap run={run} />
      {domainNames(run.view.metrics).length > 0 && <DomainCurves run={run} />}
    </div>
  )
}
