import type { Curve, RunView } from '#protocol/run-views.js'
import { bytes, count, duration, number, percent } from '../../look/format.js'
import { useClock } from '../../look/use-now.js'
import { Figure, Figures } from '../../parts/figures.js'
import { bestOf } from './best.js'
import css from './key-figures.module.css'

/** The numbers that one asks for first. */
export function KeyFigures({
  view,
  curves,
}: {
  readonly view: RunView
  readonly curves: readonly Curve[]
}) {
  const { line } = view
  const accuracy = curves.find(({ name }) => name.endsWith('accuracy'))
  const loss = curves.find(({ name }) => name.endsWith('loss'))
  const best = accuracy === undefined ? null : bestOf(accuracy, 'largest')
  const least = loss === undefined ? null : bestOf(loss, 'smallest')
  const lastLoss = loss?.values.findLast((value) => value !== null)
  const sent = Math.max(0, ...curves.map((curve) => curve.bytes.at(-1) ?? 0))
  return (
    <Figures>
      <Figure
        label="Accuracy"
        below={best === null ? null : `Best ${percent(best.value)} in round ${count(best.round)}`}
      >
        {line.accuracy === null ? '–' : percent(line.accuracy)}
      </Figure>
      <Figure
        label="Loss"
        below={
          least === null ? null : `Least ${number(least.value)} in round ${count(least.round)}`
        }
      >
        {lastLoss === undefined || lastLoss === null ? '–' : number(lastLoss)}
      </Figure>
      <Figure
        label="Rounds"
        below={
          <progress
            className={css['bar']}
            aria-label="Rounds that have closed"
            max={Math.max(1, line.rounds)}
            value={line.round}
          />
        }
      >
        {count(line.round)}
        <span className={css['of']}> / {count(line.rounds)}</span>
      </Figure>
      <Figure label="Members" below={membersText(view)}>
        {count(line.members)}
      </Figure>
      <Took view={view} />
      <Figure label="Sent" below={line.round > 0 ? `${bytes(sent / line.round)} a round` : null}>
        {sent === 0 ? '–' : bytes(sent)}
      </Figure>
    </Figures>
  )
}

/** From when it was started to now, or to its last round; unknown where it ended before the first. */
function Took({ view: { line } }: { readonly view: RunView }) {
  const isUnderWay = line.state === 'running' || line.state === 'waiting'
  const now = useClock(isUnderWay)
  const end = isUnderWay ? now : Date.parse(line.latestAt ?? line.createdAt)
  const seconds = Math.max(0, (end - Date.parse(line.createdAt)) / 1000)
  const closed = (Date.parse(line.latestAt ?? line.createdAt) - Date.parse(line.createdAt)) / 1000
  return (
    <Figure
      label={isUnderWay ? 'Since the start' : 'From start to end'}
      below={line.round > 0 ? `${duration(closed / line.round)} a round` : null}
    >
      {isUnderWay ? duration(Math.floor(seconds)) : line.round > 0 ? duration(seconds) : '–'}
    </Figure>
  )
}

function membersText({ latest, roster }: RunView): string | null {
  if (latest === null) return roster.length === 0 ? null : 'None asked yet'
  return `${count(latest.counts.asked)} in the latest round`
}
