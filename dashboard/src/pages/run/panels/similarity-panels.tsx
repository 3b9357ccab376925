import { useMemo, useState } from 'react'
import { number } from '../../../look/format.js'
import { Bars } from '../../../parts/bars.js'
import { Choice } from '../../../parts/choice.js'
import { HeatMap } from '../../../parts/heat-map.js'
import { Segments } from '../../../parts/segments.js'
import type { LiveRun } from '../../../server/run.js'
import { fileName } from './file-name.js'
import { GeometryTable } from './geometry-table.js'
import css from './panels.module.css'
import { evenly } from './recall.js'
import { biasedLayers, comparedIn, hasPairs, type Compared } from './similarity.js'
import { useRounds } from './use-rounds.js'

/** So many rounds are looked at: the first, the last, and some between. */
const MOST_ROUNDS = 8
const three = (value: number): string => value.toFixed(3)
const two = (value: number): string => value.toFixed(2)

/** How alike local models are before they are averaged, whether heads follow labels, and how features lie. */
export function SimilarityPanels({ run }: { readonly run: LiveRun }) {
  const { runId, view } = run
  const rounds = useMemo(() => evenly(view.diagnosed, MOST_ROUNDS), [view.diagnosed])
  const { records } = useRounds(runId, rounds)
  const compared = useMemo(() => comparedIn(records), [records])
  const [first, last] = [compared[0], compared.at(-1)]
  return (
    <>
      {first !== undefined && last !== undefined && (
        <>
          <div className={css['pair']}>
            <LayerBars run={run} first={first} last={last} />
            <Pairs run={run} compared={compared} />
          </div>
          {last.local.headNorms.length > 0 && <HeadNorms run={run} compared={compared} />}
        </>
      )}
      <GeometryTable records={records} />
    </>
  )
}

function LayerBars({
  run: { view },
  first,
  last,
}: {
  readonly run: LiveRun
  readonly first: Compared
  readonly last: Compared
}) {
  const [isDebiased, setIsDebiased] = useState(false)
  const layers = first.local.layers.map(({ name }) => name)
  const series = useMemo(() => {
    const of = ({ local, round }: Compared, look: number) => ({
      ...{ label: `Round ${round}`, look },
      values: first.local.layers.map(({ name }) => {
        const layer = local.layers.find((one) => one.name === name)
        return (isDebiased ? layer?.ckaDebiased : layer?.cka) ?? null
      }),
    })
    return first.round === last.round ? [of(last, 0)] : [of(first, 7), of(last, 0)]
  }, [first, last, isDebiased])
  const biased = biasedLayers(last.local)
  return (
    <Bars
      title="Similarity of local models, by layer"
      fileName={fileName(view, 'cka')}
      categories={layers}
      label="Layer, from the input to the logits"
      {...{ series, max: 1 }}
      format={three}
      tick={number}
      controls={
        <Segments
          label="Estimator"
          items={ESTIMATORS}
          value={isDebiased ? 'debiased' : 'plain'}
          onChange={(next) => setIsDebiased(next === 'debiased')}
        />
      }
      hint={
        <>
          Linear CKA on {last.local.probe} examples, mean over pairs of {last.local.slots.length}{' '}
          clients, before they are averaged. 1: the same up to rotation, scale and shift.
          {biased.length > 0 &&
            !isDebiased &&
            ` Of ${biased.join(', ')} there were fewer examples than four times the width, so plain values are too high.`}
        </>
      }
    />
  )
}
const ESTIMATORS = [
  { id: 'plain', label: 'Plain' },
  { id: 'debiased', label: 'Debiased' },
] as const

/** A round of those that looked: the first or the last. */
function useRoundChoice(compared: readonly Compared[]) {
  const [chosen, setChosen] = useState<string | null>(null)
  const items = compared.map(({ round }) => ({ id: String(round), label: `Round ${round}` }))
  const value = items.some(({ id }) => id === chosen) ? chosen : (items.at(-1)?.id ?? null)
  const of = compared.find(({ round }) => String(round) === value)
  const choice =
    items.length > 1 && value !== null ? (
      <Choice label="Round" items={items} value={value} onChange={setChosen} />
    ) : null
  return { of, choice }
}

function Pairs({
  run: { view },
  compared,
}: {
  readonly run: LiveRun
  readonly compared: readonly Compared[]
}) {
  const { of, choice } = useRoundChoice(compared)
  const [chosen, setChosen] = useState<string | null>(null)
  const layers = of?.local.layers.filter(hasPairs) ?? []
  const layer = layers.find(({ name }) => name === chosen) ?? layers.at(-1)
  const names = useMemo(() => clientNames(of, view.roster), [of, view.roster])
  return (
    <HeatMap
      title="Pairs of clients"
      fileName={fileName(view, `cka-pairs-${layer?.name ?? ''}`)}
      rows={layer === undefined ? NO_NAMES : names}
      columns={names}
      values={layer?.pairs ?? NO_VALUES}
      rowLabel="Client"
      columnLabel="Client"
      format={three}
      tick={two}
      range={RANGE}
      isSquare
      nothing="There were too many clients to tell of pairs"
      controls={
        <>
          {layer !== undefined && (
            <Choice
              label="Layer"
              items={layers.map(({ name }) => ({ id: name, label: name }))}
              value={layer.name}
              onChange={setChosen}
            />
          )}
          {choice}
        </>
      }
    />
  )
}
const NO_NAMES: readonly string[] = []
const NO_VALUES: readonly (readonly number[])[] = []
const RANGE = [0, 1] as const

function clientNames(
  of: Compared | undefined,
  roster: LiveRun['view']['roster'],
): readonly string[] {
  const names = new Map(roster.map(({ slot, name }) => [slot, name]))
  return (of?.local.slots ?? []).map((slot) => names.get(slot) ?? String(slot))
}

function HeadNorms({
  run: { view },
  compared,
}: {
  readonly run: LiveRun
  readonly compared: readonly Compared[]
}) {
  const { of, choice } = useRoundChoice(compared)
  const names = useMemo(() => clientNames(of, view.roster), [of, view.roster])
  return (
    <HeatMap
      title="Class vectors of local heads"
      note="their lengths"
      fileName={fileName(view, 'head-norms')}
      rows={names}
      columns={view.config.task.classes}
      values={of?.local.headNorms ?? NO_VALUES}
      rowLabel="Client"
      columnLabel="Class"
      format={number}
      tick={two}
      controls={choice}
      hint="Where rows look like those of the labels that clients hold, heads follow labels: each favours what its client has most of."
    />
  )
}
