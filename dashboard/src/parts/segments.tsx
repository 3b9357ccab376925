import { ToggleButton, ToggleButtonGroup } from 'react-aria-components'
import { count } from '../look/format.js'
import css from './segments.module.css'

export interface Segment<Id extends string> {
  readonly id: Id
  readonly label: string
  /** How many there are of it. */
  readonly count?: number
}

/** One of a few, all of them in sight. */
export function Segments<Id extends string>({
  label,
  items,
  value,
  onChange,
}: {
  readonly label: string
  readonly items: readonly Segment<Id>[]
  readonly value: Id
  readonly onChange: (value: Id) => void
}) {
  return (
    <ToggleButtonGroup
      aria-label={label}
      className={css['segments'] ?? ''}
      selectionMode="single"
      disallowEmptySelection
      selectedKeys={[value]}
      onSelectionChange={(keys) => {
        const [key] = keys
        if (key !== undefined) onChange(key as Id)
      }}
    >
      {items.map((item) => (
        <ToggleButton key={item.id} id={item.id} className={css['segment'] ?? ''}>
          {item.label}
          {item.count !== undefined && <span className={css['count']}>{count(item.count)}</span>}
        </ToggleButton>
      ))}
    </ToggleButtonGroup>
  )
}
