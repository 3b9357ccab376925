import { useMemo } from 'react'
import { count, number, percent, percentTick } from '../../../look/format.js'
import { Bars } from '../../../parts/bars.js'
import { Curves, type Axis, type CurveLine } from '../../../parts/curves.js'
import { useCurves, useMemberCurves, type LiveRun } from '../../../server/run.js'
import { clientScores, isSame, meanLine } from './fairness.js'
import { fileName } from './file-name.js'
import css from './panels.module.css'

const NAMES = [
  ...['clients/accuracy', 'clients/deviation', 'clients/worst10', 'clients/worst'],
  'clients/jain',
]
const ROUNDS: Axis = { label: 'Round', format: count, isWhole: true }
const SHARES: Axis = { label: 'Accuracy', format: percent, tick: percentTick }

/** How well, and how evenly, clients are served: every client counts once. */
export function FairnessPanels({ run }: { readonly run: LiveRun }) {
  const { runId, view } = run
  const names = useMemo(() => NAMES.filter((name) => view.metrics.includes(name)), [view.metrics])
  const { data: curves } = useCurves(runId, names)
  const lines = useMemo((): readonly CurveLine[] => {
    const known = new Map((curves ?? []).map((curve) => [curve.name, curve]))
    const mean = meanLine(known.get('clients/accuracy'), known.get('clients/deviation'))
    const others = [
      ['clients/worst10', 'Lowest tenth'],
      ['clients/worst', 'Worst client'],
    ].flatMap(([name = '', label = '']): CurveLine[] => {
      const curve = known.get(name)
      // Of ten clients or fewer the lowest tenth is the worst one.
      const isWorst = name === 'clients/worst10' && isSame(curve, known.get('clients/worst'))
      return curve === undefined || isWorst
        ? []
        : [{ id: name, label, x: curve.rounds, y: curve.values }]
    })
    return mean === null ? others : [mean, ...others]
  }, [curves])
  const jain = curves?.find(({ name }) => name === 'clients/jain')?.values.at(-1) ?? null
  return (
    <div className={css['pair']}>
      <Curves
        title="Accuracy over clients"
        {...{ lines, xAxis: ROUNDS, yAxis: SHARES, height: 220 }}
        {...(jain === null ? {} : { note: `Jain’s index ${number(Number(jain.toFixed(3)))}` })}
        fileName={fileName(view, 'fairness')}
      />
      {view.memberMetrics.includes('accuracy') && <ClientScores run={run} />}
    </div>
  )
}

/** The latest of each client, from the lowest to the highest: how far they lie apart. */
function ClientScores({ run: { runId, view } }: { readonly run: LiveRun }) {
  const { data } = useMemberCurves(runId, 'accuracy')
  const { names, values, mean } = useMemo(
    () => clientScores(data, view.roster),
    [data, view.roster],
  )
  const series = useMemo(() => [{ label: 'Accuracy', values }], [values])
  const line = useMemo(
    () => (mean === null ? undefined : { at: mean, label: `mean ${percent(mean)}` }),
    [mean],
  )
  return (
    <Bars
      title="Accuracy of each client"
      note="on its own held-out examples, as last scored"
      fileName={fileName(view, 'client-accuracy')}
      categories={names}
      label="Client, from the lowest"
      {...{ series, max: 1 }}
      {...(line === undefined ? {} : { line })}
      format={percent}
      tick={percentTick}
      nothing="No client has scored its model yet"
    />
  )
}
