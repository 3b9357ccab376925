import { ChevronsUpDown } from 'lucide-react'
import { useId, type ReactNode } from 'react'
import {
  Button,
  FieldError,
  Input,
  Label,
  ListBox,
  ListBoxItem,
  Popover,
  Select,
  SelectValue,
  Switch,
  Text,
  TextArea,
  TextField,
} from 'react-aria-components'
import { classNames } from '../../../look/class-names.js'
import css from './rows.module.css'

/** A setting: what it is called and what it does, and beside it where it is set. */
interface RowProps {
  readonly label: string
  readonly description?: string | undefined
  /** What is wrong with it. */
  readonly problem?: string | undefined
  readonly isRequired?: boolean
}

export interface TextRowProps extends RowProps {
  readonly value: string
  readonly onChange: (value: string) => void
  /** What is taken where nothing is written. */
  readonly placeholder?: string | undefined
  readonly inputMode?: 'numeric' | 'decimal' | 'text'
  /** Several lines, letters of one width. */
  readonly isLong?: boolean
}
export function TextRow(props: TextRowProps) {
  const {
    label,
    description,
    problem,
    placeholder = '',
    inputMode = 'text',
    isLong,
    ...rest
  } = props
  const input = { className: css['input'] ?? '', placeholder, spellCheck: false, inputMode }
  return (
    <TextField
      {...rest}
      isInvalid={problem !== undefined}
      validationBehavior="aria"
      className={classNames(css['row'], isLong === true && css['long'])}
    >
      <Label className={css['label'] ?? ''}>{label}</Label>
      {description !== undefined && (
        <Text slot="description" className={css['description'] ?? ''}>
          {description}
        </Text>
      )}
      <div className={css['control']}>
        {isLong === true ? (
          <TextArea {...input} rows={3} />
        ) : (
          <Input {...input} autoCapitalize="none" autoComplete="off" />
        )}
        <FieldError className={css['error'] ?? ''}>{problem}</FieldError>
      </div>
    </TextField>
  )
}

export interface SelectRowProps extends RowProps {
  readonly items: readonly { readonly id: string; readonly label: string }[]
  /** Empty: nothing is chosen. */
  readonly value: string
  readonly onChange: (id: string) => void
  readonly placeholder?: string
  /** Beside a heading that says what it is for. */
  readonly isBare?: boolean
}
export function SelectRow(props: SelectRowProps) {
  const { label, description, problem, items, value, onChange, placeholder, isRequired } = props
  const isBare = props.isBare === true
  return (
    <Select
      value={value === '' ? null : value}
      onChange={(key) => {
        if (typeof key === 'string') onChange(key)
      }}
      placeholder={placeholder ?? 'Choose …'}
      isInvalid={problem !== undefined}
      isRequired={isRequired === true}
      validationBehavior="aria"
      className={classNames(css['row'], isBare && css['bare'])}
    >
      <Label className={isBare ? 'said' : (css['label'] ?? '')}>{label}</Label>
      {description !== undefined && (
        <Text slot="description" className={isBare ? 'said' : (css['description'] ?? '')}>
          {description}
        </Text>
      )}
      <div className={css['control']}>
        <Button className={css['select'] ?? ''}>
          <SelectValue className={css['value'] ?? ''} />
          <ChevronsUpDown size={13} aria-hidden="true" />
        </Button>
        <FieldError className={css['error'] ?? ''}>{problem}</FieldError>
      </div>
      <Popover className={css['popover'] ?? ''} offset={4}>
        <ListBox className={css['list'] ?? ''}>
          {items.map((item) => (
            <ListBoxItem key={item.id} id={item.id} className={css['item'] ?? ''}>
              {item.label}
            </ListBoxItem>
          ))}
        </ListBox>
      </Popover>
    </Select>
  )
}

export function SwitchRow({
  label,
  description,
  problem,
  isSelected,
  onChange,
  isBare = false,
}: Omit<RowProps, 'isRequired'> & {
  readonly isSelected: boolean
  readonly onChange: (isSelected: boolean) => void
  readonly isBare?: boolean
}) {
  const id = useId()
  return (
    <div className={classNames(css['row'], isBare && css['bare'])}>
      {!isBare && (
        <span id={`${id}-label`} className={css['label']}>
          {label}
        </span>
      )}
      {!isBare && description !== undefined && (
        <p id={`${id}-description`} className={css['description']}>
          {description}
        </p>
      )}
      <div className={css['control']}>
        <Switch
          className={css['switch'] ?? ''}
          isSelected={isSelected}
          onChange={onChange}
          {...(isBare ? { 'aria-label': label } : { 'aria-labelledby': `${id}-label` })}
          aria-describedby={`${id}-description ${id}-problem`}
        >
          <span className={css['track']} />
        </Switch>
        {problem !== undefined && (
          <p id={`${id}-problem`} className={css['error']}>
            {problem}
          </p>
        )}
      </div>
    </div>
  )
}

/** Settings that belong together: a card of its own, or, within one, a part of it. */
export function Group({
  title,
  description,
  control,
  problem,
  isCard,
  children,
}: {
  readonly title: string
  readonly description?: string | undefined
  /** What decides about all of it, at the end of its heading. */
  readonly control?: ReactNode
  readonly problem?: string | undefined
  readonly isCard: boolean
  readonly children?: ReactNode
}) {
  const id = useId()
  const Heading = isCard ? 'h2' : 'h3'
  return (
    <section className={isCard ? css['card'] : css['part']} aria-labelledby={id}>
      <header className={css['head']}>
        <Heading id={id} className={isCard ? css['title'] : css['label']}>
          {title}
        </Heading>
        {description !== undefined && <p className={css['description']}>{description}</p>}
        {control !== undefined && <div className={css['headControl']}>{control}</div>}
        {problem !== undefined && <p className={css['error']}>{problem}</p>}
      </header>
      {children !== undefined && children !== null && children !== false && (
        <div className={css['within']}>{children}</div>
      )}
    </section>
  )
}
