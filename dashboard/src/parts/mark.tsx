import type { LucideIcon } from 'lucide-react'
import type { ReactNode } from 'react'
import { classNames } from '../look/class-names.js'
import css from './mark.module.css'

export type Tone = 'neutral' | 'accent' | 'good' | 'warn' | 'bad'

/** A state in a word: by its word and its sign first, then by its colour. */
export function Mark({
  tone,
  icon: Icon,
  isTurning = false,
  isSign = false,
  children,
}: {
  readonly tone: Tone
  readonly icon: LucideIcon
  readonly isTurning?: boolean
  /** The word is only said. */
  readonly isSign?: boolean
  readonly children: ReactNode
}) {
  return (
    <span className={classNames(css['mark'], css[tone])}>
      <Icon size={14} aria-hidden="true" className={isTurning ? css['turning'] : ''} />
      <span className={isSign ? 'said' : css['word']}>{children}</span>
    </span>
  )
}

/** The same in a frame, where it stands among other words. */
export function Badge({ tone, children }: { readonly tone: Tone; readonly children: ReactNode }) {
  return <span className={classNames(css['badge'], css[`${tone}Badge`])}>{children}</span>
}
