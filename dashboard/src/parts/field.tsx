import type { ReactNode } from 'react'
import {
  FieldError,
  Input,
  Label,
  SearchField as AriaSearch,
  Button,
  Text,
  TextField,
} from 'react-aria-components'
import { Search, X } from 'lucide-react'
import { classNames } from '../look/class-names.js'
import css from './field.module.css'

export interface FieldProps {
  readonly label: string
  readonly value: string
  readonly onChange: (value: string) => void
  readonly type?: 'text' | 'password'
  readonly autoComplete?: string
  /** What to write, below the field. */
  readonly description?: ReactNode
  /** What is wrong with what was written. */
  readonly error?: string | null
  readonly isRequired?: boolean
  readonly isDisabled?: boolean
  readonly autoFocus?: boolean
  /** Letters of one width: codes, ids. */
  readonly isCode?: boolean
  readonly maxLength?: number
}

export function Field(props: FieldProps) {
  const { label, description, error = null, isCode = false, ...rest } = props
  return (
    <TextField
      {...rest}
      isInvalid={error !== null}
      validationBehavior="aria"
      className={css['field'] ?? ''}
    >
      <Label className={css['label'] ?? ''}>{label}</Label>
      <Input
        className={classNames(css['input'], isCode && css['code'])}
        spellCheck={false}
        autoCapitalize="none"
      />
      {description !== undefined && (
        <Text slot="description" className={css['description'] ?? ''}>
          {description}
        </Text>
      )}
      <FieldError className={css['error'] ?? ''}>{error}</FieldError>
    </TextField>
  )
}

/** Narrows what is shown while one writes. Escape empties it. */
export function SearchField({
  label,
  value,
  onChange,
}: Pick<FieldProps, 'label' | 'value' | 'onChange'>) {
  return (
    <AriaSearch
      aria-label={label}
      value={value}
      onChange={onChange}
      className={css['search'] ?? ''}
    >
      <Search size={14} aria-hidden="true" />
      <Input className={css['searchInput'] ?? ''} placeholder={label} spellCheck={false} />
      {value !== '' && (
        <Button className={css['clear'] ?? ''}>
          <X size={13} aria-hidden="true" />
        </Button>
      )}
    </AriaSearch>
  )
}
