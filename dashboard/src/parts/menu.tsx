import { Check, type LucideIcon } from 'lucide-react'
import type { ReactElement, ReactNode } from 'react'
import {
  Header,
  Menu as AriaMenu,
  MenuItem as AriaItem,
  MenuSection as AriaSection,
  MenuTrigger,
  Popover,
} from 'react-aria-components'
import { classNames } from '../look/class-names.js'
import css from './menu.module.css'

/** What a button opens: things to do, and small choices. */
export function Menu({
  label,
  button,
  children,
  placement = 'bottom end',
}: {
  readonly label: string
  readonly button: ReactElement
  readonly children: ReactNode
  readonly placement?: 'bottom start' | 'bottom end' | 'top start' | 'top end'
}) {
  return (
    <MenuTrigger>
      {button}
      <Popover className={css['popover'] ?? ''} placement={placement} offset={6}>
        <AriaMenu aria-label={label} className={css['menu'] ?? ''}>
          {children}
        </AriaMenu>
      </Popover>
    </MenuTrigger>
  )
}

export function MenuItem({
  label,
  icon: Icon,
  onAction,
  isDanger = false,
}: {
  readonly label: string
  readonly icon?: LucideIcon
  readonly onAction: () => void
  readonly isDanger?: boolean
}) {
  return (
    <AriaItem
      textValue={label}
      onAction={onAction}
      className={classNames(css['item'], isDanger && css['danger'])}
    >
      {Icon !== undefined && <Icon size={14} aria-hidden="true" />}
      <span>{label}</span>
    </AriaItem>
  )
}

/** One of a few, within a menu. */
export function MenuChoice<Id extends string>({
  label,
  items,
  value,
  onChange,
}: {
  readonly label: string
  readonly items: readonly { readonly id: Id; readonly label: string; readonly icon: LucideIcon }[]
  readonly value: Id
  readonly onChange: (value: Id) => void
}) {
  return (
    <AriaSection
      className={css['section'] ?? ''}
      selectionMode="single"
      disallowEmptySelection
      selectedKeys={[value]}
      onSelectionChange={(keys) => {
        const [key] = keys === 'all' ? [] : keys
        if (key !== undefined) onChange(key as Id)
      }}
    >
      <Header className={css['header'] ?? ''}>{label}</Header>
      {items.map(({ id, label: text, icon: Icon }) => (
        <AriaItem key={id} id={id} textValue={text} className={css['item'] ?? ''}>
          <Icon size={14} aria-hidden="true" />
          <span>{text}</span>
          <Check className={css['check']} size={14} aria-hidden="true" />
        </AriaItem>
      ))}
    </AriaSection>
  )
}
