import { Check } from 'lucide-react'
import { Checkbox as AriaCheckbox } from 'react-aria-components'
import { classNames } from '../look/class-names.js'
import css from './checkbox.module.css'

export function Checkbox({
  label,
  hidesLabel = false,
  ...rest
}: {
  readonly label: string
  /** Said only: the place tells what it is about. */
  readonly hidesLabel?: boolean
  readonly isSelected: boolean
  readonly isDisabled?: boolean
  readonly onChange: (isSelected: boolean) => void
}) {
  return (
    <AriaCheckbox
      {...rest}
      className={css['checkbox'] ?? ''}
      {...(hidesLabel ? { 'aria-label': label } : {})}
    >
      <span className={classNames(css['box'])}>
        <Check size={11} strokeWidth={3} aria-hidden="true" />
      </span>
      {!hidesLabel && label}
    </AriaCheckbox>
  )
}
