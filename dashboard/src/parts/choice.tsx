import { Check, ChevronsUpDown } from 'lucide-react'
import {
  Button,
  Label,
  ListBox,
  ListBoxItem,
  Popover,
  Select,
  SelectValue,
} from 'react-aria-components'
import { classNames } from '../look/class-names.js'
import css from './choice.module.css'

export interface ChoiceProps<Id extends string> {
  readonly label: string
  readonly items: readonly { readonly id: Id; readonly label: string }[]
  readonly value: Id
  readonly onChange: (value: Id) => void
  /** Above the field, or beside it; else it is said only to who hears the page. */
  readonly showsLabel?: boolean | 'beside'
  readonly isDisabled?: boolean
}

/** One of many, in a list that opens. */
export function Choice<Id extends string>(props: ChoiceProps<Id>) {
  const { label, items, value, onChange, showsLabel = false, isDisabled = false } = props
  return (
    <Select
      aria-label={label}
      value={value}
      isDisabled={isDisabled}
      className={classNames(css['choice'], showsLabel === 'beside' && css['beside'])}
      onChange={(key) => {
        if (key !== null) onChange(key as Id)
      }}
    >
      {showsLabel !== false && <Label className={css['label'] ?? ''}>{label}</Label>}
      <Button className={css['button'] ?? ''}>
        <SelectValue className={css['value'] ?? ''} />
        <ChevronsUpDown size={13} aria-hidden="true" />
      </Button>
      <Popover className={classNames(css['popover'])} offset={4}>
        <ListBox className={css['list'] ?? ''}>
          {items.map((item) => (
            <ListBoxItem
              key={item.id}
              id={item.id}
              textValue={item.label}
              className={css['item'] ?? ''}
            >
              <span className={css['text']}>{item.label}</span>
              <Check className={css['check']} size={14} aria-hidden="true" />
            </ListBoxItem>
          ))}
        </ListBox>
      </Popover>
    </Select>
  )
}
