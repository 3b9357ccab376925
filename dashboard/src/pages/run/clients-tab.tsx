import { Users } from 'lucide-react'
import { useMemo, useState } from 'react'
import type { MemberCurves } from '#protocol/run-views.js'
import { metricWords } from '../../look/metric-words.js'
import { Choice } from '../../parts/choice.js'
import { Curves, type CurveLine } from '../../parts/curves.js'
import { Empty } from '../../parts/empty.js'
import { Panel } from '../../parts/panel.js'
import { Problem } from '../../parts/problem.js'
import type { Sort } from '../../parts/sorting.js'
import { Table } from '../../parts/table.js'
import { problemOf } from '../../server/api.js'
import { useMemberCurves, type LiveRun } from '../../server/run.js'
import { CLIENT_COLUMNS } from './client-columns.js'
import { clientRows } from './client-rows.js'
import { HiddenNote } from './hidden-note.js'
import { nameIn } from './member-names.js'
import { axisOf, isShare, X_LABELS } from './metrics.js'
import css from './run-page.module.css'

/** So few are told apart by themselves; of more, those that are chosen. */
const FEW = 8

/** Members of the run: what each measured over rounds, and what became of its tasks. */
export function ClientsTab({ run }: { readonly run: LiveRun }) {
  const { view, attempts } = run
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const [sort, setSort] = useState<Sort>({ by: 'slot', isDescending: false })
  const nameOf = useMemo(() => nameIn(view.roster), [view.roster])
  const rows = useMemo(
    () => clientRows(view.roster, attempts, nameOf),
    [view.roster, attempts, nameOf],
  )
  const isHidden = view.hidden.length > 0
  if (view.roster.length === 0)
    return (
      <Empty icon={Users} title="No members yet">
        Nodes become members when a round first asks them.
      </Empty>
    )
  const columns = isHidden
    ? CLIENT_COLUMNS.filter(({ id }) => id === 'slot' || id === 'name' || id === 'node')
    : CLIENT_COLUMNS
  return (
    <div className={css['stack']}>
      <HiddenNote hidden={view.hidden} />
      {!isHidden && <MemberChart run={run} nameOf={nameOf} chosen={chosen} />}
      <Panel
        title="Members"
        note={isHidden ? undefined : `Tasks of the latest ${roundsText(attempts)}`}
        isFlush
      >
        <Table
          caption="Members"
          columns={columns}
          rows={rows}
          keyOf={({ slot }) => String(slot)}
          sort={sort}
          onSort={setSort}
          isDense
          {...(isHidden
            ? {}
            : {
                selection: {
                  ...{ keys: chosen, onChange: setChosen, most: FEW },
                  label: (key: string) => `Highlight ${nameOf(Number(key))}`,
                },
              })}
        />
      </Panel>
    </div>
  )
}

const roundsText = (attempts: LiveRun['attempts']): string => {
  const rounds = new Set(attempts.map(({ round }) => round)).size
  return rounds === 1 ? 'round' : `${rounds} rounds`
}

function MemberChart({
  run,
  nameOf,
  chosen,
}: {
  readonly run: LiveRun
  readonly nameOf: (slot: number) => string
  readonly chosen: ReadonlySet<string>
}) {
  const { memberMetrics, line } = run.view
  const [picked, setPicked] = useState<string | null>(null)
  const metric =
    memberMetrics.find((name) => name === picked) ??
    memberMetrics.find((name) => name === 'loss') ??
    memberMetrics[0] ??
    null
  const { data, error, refetch } = useMemberCurves(run.runId, metric)
  const lines = useMemo(
    () => (data === undefined ? [] : memberLines(trainedIn(data, line.round), nameOf, chosen)),
    [data, line.round, nameOf, chosen],
  )
  if (error !== null) return <Problem error={problemOf(error)} onRetry={() => void refetch()} />
  const hint =
    lines.length > FEW && chosen.size === 0 ? 'Choose members below to tell them apart' : undefined
  return (
    <Curves
      title={metric === null ? 'What members measured' : `${memberLabel(metric)} of each member`}
      note={hint}
      lines={lines}
      xAxis={X_LABELS.rounds}
      yAxis={axisOf(metric ?? '')}
      fileName={`${line.name}-members-${metric ?? ''}`}
      hasLogScale={metric !== null && !isShare(metric)}
      nothing={
        data === undefined && metric !== null ? 'Loading …' : 'Drawn when the first update counts'
      }
      controls={
        metric !== null && (
          <Choice
            label="Metric"
            items={memberMetrics.map((id) => ({ id, label: memberLabel(id) }))}
            value={metric}
            onChange={setPicked}
          />
        )
      }
    />
  )
}

/** In a member's own update, a name is a word. */
const memberLabel = (name: string): string => {
  const { label } = metricWords(name)
  return label.slice(0, 1).toUpperCase() + label.slice(1)
}

/** Beyond the rounds that train, members score the released model: the loss of that is of another model, on other examples. */
export const trainedIn = (curves: MemberCurves, rounds: number): MemberCurves =>
  curves.name === 'loss'
    ? { ...curves, members: curves.members.map((one) => upTo(one, rounds)) }
    : curves

function upTo(
  member: MemberCurves['members'][number],
  last: number,
): MemberCurves['members'][number] {
  const isLater = (round: number): boolean => round > last
  const end = member.rounds.findIndex(isLater)
  if (end < 0) return member
  return { ...member, rounds: member.rounds.slice(0, end), values: member.values.slice(0, end) }
}

/** Those that are chosen stand out, and are drawn over the others. */
export function memberLines(
  { members }: MemberCurves,
  nameOf: (slot: number) => string,
  chosen: ReadonlySet<string>,
): readonly CurveLine[] {
  const isTold = (slot: number): boolean =>
    chosen.size === 0 ? members.length <= FEW : chosen.has(String(slot))
  const lines = members.map(({ slot, rounds, values }) => ({
    ...{ id: String(slot), label: nameOf(slot), x: rounds, y: values },
    isMuted: !isTold(slot),
  }))
  return [
    ...lines.filter(({ isMuted }) => isMuted),
    ...lines.filter(({ isMuted }) => !isMuted).map((line, look) => ({ ...line, look })),
  ]
}
