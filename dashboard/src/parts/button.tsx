import type { LucideIcon } from 'lucide-react'
import type { ReactNode } from 'react'
import { Button as AriaButton, type PressEvent } from 'react-aria-components'
import { classNames } from '../look/class-names.js'
import css from './button.module.css'
import { Hint } from './hint.js'

export interface ButtonProps {
  readonly children: ReactNode
  /** primary: the one thing that a page is for. danger: cannot be undone. quiet: beside others, without a frame. */
  readonly look?: 'primary' | 'plain' | 'quiet' | 'danger'
  readonly icon?: LucideIcon
  readonly onPress?: (event: PressEvent) => void
  readonly isDisabled?: boolean
  /** Something that it began is under way. */
  readonly isPending?: boolean
  readonly type?: 'button' | 'submit'
  /** In a dialog: `close` closes it. */
  readonly slot?: string
  readonly isWide?: boolean
  readonly autoFocus?: boolean
}

export function Button(props: ButtonProps) {
  const { children, look = 'plain', icon: Icon, isWide, isPending = false, ...rest } = props
  // React Aria's own way announces a button that may be gone by then, with a name that is nowhere.
  const { onPress: _, type: __, ...still } = rest
  return (
    <AriaButton
      {...(isPending ? { ...still, type: 'button' } : rest)}
      data-under-way={isPending}
      className={classNames(css['button'], css[look], isWide === true && css['wide'])}
    >
      {Icon !== undefined && <Icon size={14} aria-hidden="true" />}
      {children}
    </AriaButton>
  )
}

export interface IconButtonProps extends Omit<
  ButtonProps,
  'children' | 'icon' | 'isWide' | 'isPending'
> {
  /** What it does: said to who hears the page, and shown to who points at it. */
  readonly label: string
  readonly icon: LucideIcon
}

export function IconButton({ label, icon: Icon, look = 'quiet', ...rest }: IconButtonProps) {
  return (
    <Hint text={label}>
      <AriaButton
        {...rest}
        aria-label={label}
        className={classNames(css['button'], css['icon'], css[look])}
      >
        <Icon size={15} aria-hidden="true" />
      </AriaButton>
    </Hint>
  )
}
