import { useMemo } from 'react'
import { bytes, count, duration } from '../../look/format.js'
import { metricWords } from '../../look/metric-words.js'
import { Choice } from '../../parts/choice.js'
import { Curves, type Axis } from '../../parts/curves.js'
import type { Group } from './groups.js'
import type { Against } from './search.js'
import { lineOf } from './series.js'

const X_AXES: Readonly<Record<Against, Axis>> = {
  rounds: { label: 'Round', format: count, isWhole: true },
  seconds: { label: 'After', format: duration },
  bytes: { label: 'After', format: bytes, isWhole: true },
}

/** One metric of all that is compared; of runs that repeat one another their mean, and a band from the lowest to the highest. */
export function ComparedCurves({
  groups,
  names,
  against,
  metric,
  onMetric,
}: {
  readonly groups: readonly Group[]
  /** Metrics to choose from. */
  readonly names: readonly string[]
  readonly against: Against
  readonly metric: string
  readonly onMetric: (metric: string) => void
}) {
  const lines = useMemo(
    () =>
      groups.flatMap((group) => {
        const curves = group.runs.flatMap((run) => run.curves.get(metric) ?? [])
        return lineOf(group, curves, against) ?? []
      }),
    [groups, metric, against],
  )
  const yAxis = useMemo(() => metricWords(metric), [metric])
  const items = useMemo(
    () =>
      (names.includes(metric) ? names : [metric, ...names]).map((id) => ({
        ...{ id, label: metricWords(id).label },
      })),
    [names, metric],
  )
  return (
    <Curves
      title={yAxis.label}
      {...{ lines, yAxis }}
      xAxis={X_AXES[against]}
      fileName={`compare-${metric}`}
      hasLogScale={!yAxis.isShare}
      height={300}
      nothing={`No run has ${yAxis.label.toLowerCase()} yet`}
      controls={<Choice label="Metric" items={items} value={metric} onChange={onMetric} />}
    />
  )
}
