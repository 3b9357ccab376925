import { createLink } from '@tanstack/react-router'
import type { LucideIcon } from 'lucide-react'
import type { ComponentProps } from 'react'
import { classNames } from '../look/class-names.js'
import css from './button.module.css'

interface AnchorProps extends ComponentProps<'a'> {
  readonly look?: 'primary' | 'plain'
  readonly icon?: LucideIcon
}
function Anchor({ look = 'plain', icon: Icon, children, ...rest }: AnchorProps) {
  return (
    <a {...rest} className={classNames(css['button'], css[look])}>
      {Icon !== undefined && <Icon size={14} aria-hidden="true" />}
      <span>{children}</span>
    </a>
  )
}
/** Leads to another page, and looks like what does something: the one thing that most come for. */
export const ButtonLink = createLink(Anchor)
