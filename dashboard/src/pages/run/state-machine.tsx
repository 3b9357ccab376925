import { Check } from 'lucide-react'
import type { RunView, Stage } from '#protocol/run-views.js'
import { duration } from '../../look/format.js'
import { useClock } from '../../look/use-now.js'
import { Panel } from '../../parts/panel.js'
import { roundText } from './round-text.js'
import css from './state-machine.module.css'

type Step = 'auditing' | 'planned' | 'collecting' | 'frozen' | 'done'
interface Look {
  readonly label: string
  readonly what: string
}
const LOOKS: Readonly<Record<Step, Look>> = {
  auditing: { label: 'Auditing', what: 'The coordinator attacks updates of canaries' },
  planned: { label: 'Planned', what: 'Members are chosen' },
  collecting: { label: 'Collecting', what: 'Members train, and send their updates' },
  frozen: { label: 'Frozen', what: 'Updates become one, and the model moves' },
  done: { label: 'Done', what: 'Every round has closed' },
}

/** Where the run is in its round, now: the steps that every round goes through, until all have closed. */
export function StateMachine({ view }: { readonly view: RunView }) {
  const { stage, line, config } = view
  const steps: readonly Step[] = [
    ...(config.audit === undefined ? [] : (['auditing'] as const)),
    ...(['planned', 'collecting', 'frozen', 'done'] as const),
  ]
  const at = placeOf(stage, steps)
  const isEnded = stage.stage === 'stopped' || stage.stage === 'failed'
  return (
    <Panel title="Now" note={<span className={css['now']}>{roundText(view)}</span>}>
      <ol className={css['steps']} aria-label="Steps of a round">
        {steps.map((step, i) => {
          const state = i === at ? 'now' : i < at ? 'past' : 'ahead'
          return (
            <li
              key={step}
              className={css['step']}
              data-state={state}
              data-loop={step === 'planned' || step === 'collecting' || step === 'frozen'}
              aria-current={state === 'now' ? 'step' : undefined}
              title={LOOKS[step].what}
            >
              <span className={css['dot']}>
                {state === 'past' && <Check size={10} strokeWidth={3.5} aria-hidden="true" />}
              </span>
              <span className={css['label']}>{LOOKS[step].label}</span>
              <span className={css['count']}>{countOf(step, view)}</span>
            </li>
          )
        })}
      </ol>
      {!isEnded && line.state !== 'finished' && <Deadline view={view} />}
    </Panel>
  )
}

/** Of what has ended early, none is the present one. */
const placeOf = ({ stage }: Stage, steps: readonly Step[]): number =>
  stage === 'stopped' || stage === 'failed' ? -1 : steps.indexOf(stage)

function countOf(step: Step, { latest, stage, line }: RunView): string | null {
  if (step === 'done') return `${line.round} of ${line.rounds}`
  if (step !== 'collecting' || latest === null || stage.stage !== 'collecting') return null
  return `${latest.counts.accepted} of ${latest.counts.asked}`
}

/** How long the open round waits at most. */
function Deadline({ view: { latest, stage } }: { readonly view: RunView }) {
  const isOpen = stage.stage === 'collecting' && latest?.outcome === 'open'
  const now = useClock(isOpen)
  if (!isOpen) return null
  const { openedAt, deadlineSeconds } = latest
  const opened = Math.max(0, (now - Date.parse(openedAt)) / 1000)
  if (deadlineSeconds === null)
    return (
      <p className={css['deadline']}>Open for {duration(Math.floor(opened))}, without a deadline</p>
    )
  const left = Math.max(0, deadlineSeconds - opened)
  return (
    <div className={css['deadline']}>
      <progress
        className={css['bar']}
        aria-label="Time of the round"
        max={deadlineSeconds}
        value={Math.min(opened, deadlineSeconds)}
      />
      <span>
        {left > 0 ? `At most ${duration(Math.ceil(left))} left` : 'The deadline has passed'}
      </span>
    </div>
  )
}
