import { ChevronRight } from 'lucide-react'
import { useState, type PointerEvent } from 'react'
import type { Attempt } from '#protocol/run-views.js'
import { duration } from '../../look/format.js'
import { useClock } from '../../look/use-now.js'
import { AttemptMembers } from './attempt-members.js'
import { FATES, fateOf } from './code-words.js'
import { FATE_LABELS } from './fate-keys.js'
import { arrivals, columns, LANE_HEIGHT, LANE_WIDTH, tallyOf, tookSeconds } from './lanes.js'
import css from './timeline.module.css'

interface RowsProps {
  readonly attempts: readonly Attempt[]
  readonly mode: 'time' | 'members'
  readonly nameOf: (slot: number) => string
}
export const keyOf = ({ round, attempt }: Attempt): string => `${round}.${attempt}`

/** A lane for each attempt: against time, or with a column for each member. Whoever cannot see it has the table. */
export function AttemptRows({ attempts, mode, nameOf }: RowsProps) {
  const now = useClock(attempts.some(({ outcome }) => outcome === 'open'))
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set())
  const [pointed, setPointed] = useState<string | null>(null)
  const slots = slotsOf(attempts)
  const longest = Math.max(0.001, ...attempts.map((attempt) => tookSeconds(attempt, now)))
  const toggle = (key: string): void => {
    const next = new Set(opened)
    if (!next.delete(key)) next.add(key)
    setOpened(next)
  }
  return (
    <div onPointerLeave={() => setPointed(null)}>
      <div className={css['scale']} aria-hidden="true">
        <span>{pointed ?? (mode === 'time' ? 'Round' : 'Round, and members in their order')}</span>
        {mode === 'time' && (
          <span className={css['ticks']}>
            <span>0</span>
            <span>{duration(longest / 2)}</span>
            <span>{duration(longest)}</span>
          </span>
        )}
      </div>
      <ol>
        {attempts.map((attempt) => {
          const key = keyOf(attempt)
          return (
            <AttemptRow
              key={key}
              isOpen={opened.has(key)}
              onToggle={() => toggle(key)}
              onPoint={setPointed}
              {...{ attempt, mode, nameOf, slots, longest, now }}
            />
          )
        })}
      </ol>
    </div>
  )
}

function AttemptRow(props: {
  readonly attempt: Attempt
  readonly mode: RowsProps['mode']
  readonly nameOf: RowsProps['nameOf']
  readonly slots: readonly number[]
  readonly longest: number
  readonly now: number
  readonly isOpen: boolean
  readonly onToggle: () => void
  readonly onPoint: (what: string | null) => void
}) {
  const { attempt, mode, nameOf, slots, longest, now, isOpen, onToggle, onPoint } = props
  const took = tookSeconds(attempt, now)
  const paths = mode === 'time' ? arrivals(attempt, longest) : columns(attempt, slots)
  const point = (event: PointerEvent<SVGSVGElement>): void => {
    if (mode !== 'members') return
    const box = event.currentTarget.getBoundingClientRect()
    const i = Math.floor(((event.clientX - box.left) / box.width) * slots.length)
    const member = attempt.members.find(({ slot }) => slot === slots[i])
    onPoint(
      member === undefined
        ? null
        : `Round ${attempt.round} · ${nameOf(member.slot)} · ${FATE_LABELS[fateOf(member)].toLowerCase()}`,
    )
  }
  const drawn = FATES.filter((fate) => paths[fate] !== '')
  return (
    <li className={css['attempt']} data-outcome={attempt.outcome}>
      <button type="button" className={css['row']} aria-expanded={isOpen} onClick={onToggle}>
        <span className={css['name']}>
          <ChevronRight className={css['chevron']} size={13} aria-hidden="true" />
          {attempt.round}
          {attempt.attempt > 1 && <span className={css['nth']}>attempt {attempt.attempt}</span>}
          {attempt.purpose !== 'train' && <span className={css['nth']}>{attempt.purpose}</span>}
        </span>
        <svg
          className={css['lane']}
          viewBox={`0 0 ${LANE_WIDTH} ${LANE_HEIGHT}`}
          preserveAspectRatio="none"
          aria-hidden="true"
          onPointerMove={point}
        >
          {mode === 'time' && (
            <rect
              className={css['span']}
              y={LANE_HEIGHT / 2 - 3}
              width={(took / longest) * LANE_WIDTH}
              height="6"
            />
          )}
          {drawn.map((fate) => (
            <path
              key={fate}
              className={css[mode === 'time' ? `${fate}Mark` : fate]}
              d={paths[fate]}
              vectorEffect="non-scaling-stroke"
            />
          ))}
        </svg>
        <span className={css['tally']}>{tallyText(attempt)}</span>
        <span className={css['took']}>{duration(took)}</span>
      </button>
      {isOpen && <AttemptMembers attempt={attempt} nameOf={nameOf} />}
    </li>
  )
}

/** How many of how many, and what went wrong. */
function tallyText(attempt: Attempt): string {
  const { late, refused, failed, accepted } = tallyOf(attempt)
  const parts = [
    `${accepted} of ${attempt.counts.asked}`,
    ...(late > 0 ? [`${late} late`] : []),
    ...(refused > 0 ? [`${refused} refused`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(attempt.outcome === 'abandoned' ? ['given up'] : []),
    ...(attempt.outcome === 'open' ? ['open'] : []),
  ]
  return parts.join(' · ')
}

function slotsOf(attempts: readonly Attempt[]): readonly number[] {
  const slots = new Set(attempts.flatMap(({ members }) => members.map(({ slot }) => slot)))
  return [...slots].sort((a, b) => a - b)
}
