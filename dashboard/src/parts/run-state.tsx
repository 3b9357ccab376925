import {
  CircleCheck,
  CircleDashed,
  CircleDotDashed,
  CirclePause,
  CircleX,
  ShieldQuestionMark,
  type LucideIcon,
} from 'lucide-react'
import type { RunLine } from '#protocol/run-views.js'
import { Mark, type Tone } from './mark.js'

interface Look {
  readonly word: string
  readonly tone: Tone
  readonly icon: LucideIcon
}
const LOOKS: Readonly<Record<RunLine['state'] | 'auditing', Look>> = {
  waiting: { word: 'Waiting', tone: 'neutral', icon: CircleDashed },
  auditing: { word: 'Auditing', tone: 'accent', icon: ShieldQuestionMark },
  running: { word: 'Running', tone: 'accent', icon: CircleDotDashed },
  finished: { word: 'Finished', tone: 'good', icon: CircleCheck },
  stopped: { word: 'Stopped', tone: 'warn', icon: CirclePause },
  failed: { word: 'Failed', tone: 'bad', icon: CircleX },
}

/** What a run is doing. */
export function RunState({
  run,
  isSign = false,
}: {
  readonly run: Pick<RunLine, 'state' | 'audit' | 'reason'>
  /** Where there is no room for the word, it is only said. */
  readonly isSign?: boolean
}) {
  const isUnderWay = run.state === 'waiting' || run.state === 'running'
  const key = isUnderWay && run.audit.state === 'under-way' ? 'auditing' : run.state
  const { word, tone, icon } = LOOKS[key]
  return (
    <span title={run.reason ?? undefined}>
      <Mark tone={tone} icon={icon} isTurning={key === 'running'} isSign={isSign}>
        {word}
      </Mark>
    </span>
  )
}
