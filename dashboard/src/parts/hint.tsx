import type { ReactElement } from 'react'
import { Tooltip, TooltipTrigger } from 'react-aria-components'
import css from './hint.module.css'

const DELAY_MS = 500

/** A word about what is pointed at or focused: a button or a link of React Aria. Says nothing that is nowhere else. */
export function Hint({
  text,
  children,
  placement = 'top',
}: {
  readonly text: string
  readonly children: ReactElement
  readonly placement?: 'top' | 'right' | 'bottom'
}) {
  return (
    <TooltipTrigger delay={DELAY_MS} closeDelay={0}>
      {children}
      <Tooltip offset={6} placement={placement} className={css['hint'] ?? ''}>
        {text}
      </Tooltip>
    </TooltipTrigger>
  )
}
