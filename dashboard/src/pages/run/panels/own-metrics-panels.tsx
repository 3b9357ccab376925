import { metricWords } from '../../../look/metric-words.js'
import { Facts } from '../../../parts/facts.js'
import { Panel } from '../../../parts/panel.js'
import { useCurves, type LiveRun } from '../../../server/run.js'
import { MetricCurves } from './metric-curves.js'
import { grouped, isFlat } from './own-metrics.js'
import css from './panels.module.css'

/** What the method measures of itself: curves, and what never changed in a few words. */
export function OwnMetrics({
  run,
  names,
}: {
  readonly run: LiveRun
  readonly names: readonly string[]
}) {
  const { data: curves = [] } = useCurves(run.runId, names)
  const flat = curves.filter(isFlat)
  const others = curves.filter((curve) => !isFlat(curve)).map(({ name }) => name)
  return (
    <>
      {others.length > 0 && (
        <div className={css['pair']}>
          {grouped(others).map(({ title, names: own }) => (
            <MetricCurves key={title} run={run} title={metricWords(title).label} names={own} />
          ))}
        </div>
      )}
      {flat.length > 0 && (
        <Panel title="The same in every round">
          <div className={css['columns']}>
            <Facts
              isWide
              items={flat.map(({ name, values }) => {
                const { label, format } = metricWords(name)
                const value = values[0] ?? null
                return [label, value === null ? '–' : format(value)]
              })}
            />
          </div>
        </Panel>
      )}
    </>
  )
}
