import { useMemo } from 'react'
import { count } from '../../../look/format.js'
import { metricWords } from '../../../look/metric-words.js'
import { Curves, type Axis } from '../../../parts/curves.js'
import { useCurves, type LiveRun } from '../../../server/run.js'
import { fileName } from './file-name.js'

const ROUNDS: Axis = { label: 'Round', format: count, isWhole: true }

/** Metrics of a run that are read together, by round; none of them there: nothing. */
export function MetricCurves({
  run: { runId, view },
  title,
  names,
  labels = {},
  note,
  isStepped = false,
}: {
  readonly run: LiveRun
  readonly title: string
  readonly names: readonly string[]
  /** What single ones are called here; default: as everywhere. */
  readonly labels?: Readonly<Record<string, string>>
  readonly note?: string
  /** A value holds until the next one. */
  readonly isStepped?: boolean
}) {
  const key = names.filter((name) => view.metrics.includes(name)).join('\n')
  const known = useMemo(() => (key === '' ? [] : key.split('\n')), [key])
  const { data: curves } = useCurves(runId, known)
  const lines = useMemo(
    () =>
      (curves ?? [])
        .filter(({ name }) => known.includes(name))
        .map(({ name, rounds, values }) => ({
          ...{ id: name, x: rounds, y: values },
          label: labels[name] ?? metricWords(name).label,
        })),
    [curves, known, labels],
  )
  const yAxis = useMemo(() => metricWords(known[0] ?? ''), [known])
  if (known.length === 0) return null
  return (
    <Curves
      {...{ title, note, lines, yAxis, isStepped }}
      xAxis={ROUNDS}
      fileName={fileName(view, title.toLowerCase())}
      height={220}
    />
  )
}
