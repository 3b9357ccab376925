import { CircleDotDashed, CircleOff, CirclePower, Hourglass, Unplug } from 'lucide-react'
import type { LucideIcon } from 'lucide-react'
import type { NodeLine } from '#protocol/server-views.js'
import { Mark, type Tone } from '../../parts/mark.js'
import { stateOf, type NodeState } from './node-state.js'

interface Look {
  readonly word: string
  readonly tone: Tone
  readonly icon: LucideIcon
}
const LOOKS: Readonly<Record<NodeState, Look>> = {
  working: { word: 'Working', tone: 'accent', icon: CircleDotDashed },
  ready: { word: 'Ready', tone: 'good', icon: CirclePower },
  resting: { word: 'Cooling down', tone: 'warn', icon: Hourglass },
  offline: { word: 'Offline', tone: 'neutral', icon: Unplug },
  revoked: { word: 'Revoked', tone: 'bad', icon: CircleOff },
}

/** What a node is doing. */
export function NodeMark({
  node,
  isSign = false,
}: {
  readonly node: NodeLine
  readonly isSign?: boolean
}) {
  const state = stateOf(node)
  const { word, tone, icon } = LOOKS[state]
  return (
    <Mark tone={tone} icon={icon} isTurning={state === 'working'} isSign={isSign}>
      {word}
    </Mark>
  )
}
