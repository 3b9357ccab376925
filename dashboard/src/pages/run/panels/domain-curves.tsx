import { useMemo } from 'react'
import { count, percent, percentTick } from '../../../look/format.js'
import { Curves, type Axis } from '../../../parts/curves.js'
import { useCurves, type LiveRun } from '../../../server/run.js'
import { fileName } from './file-name.js'

const PREFIX = /^(federated\/)?accuracy\/domain\//
const MOST_LINES = 40
const ROUNDS: Axis = { label: 'Round', format: count, isWhole: true }
const SHARES: Axis = { label: 'Accuracy', format: percent, tick: percentTick }

export const domainNames = (metrics: readonly string[]): readonly string[] =>
  metrics.filter((name) => PREFIX.test(name)).slice(0, MOST_LINES)

/** How well the model does on data that look different. */
export function DomainCurves({ run: { runId, view } }: { readonly run: LiveRun }) {
  const names = useMemo(() => domainNames(view.metrics), [view.metrics])
  const { data: curves } = useCurves(runId, names)
  const lines = useMemo(
    () =>
      (curves ?? []).map(({ name, rounds, values }) => ({
        ...{ id: name, x: rounds, y: values },
        label: `${name.replace(PREFIX, '')}${name.startsWith('federated') ? ', clients’ data' : ''}`,
      })),
    [curves],
  )
  return (
    <Curves
      title="Accuracy by domain"
      {...{ lines, xAxis: ROUNDS, yAxis: SHARES }}
      fileName={fileName(view, 'domains')}
    />
  )
}
