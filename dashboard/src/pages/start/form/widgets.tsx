import type { WidgetProps } from '@rjsf/utils'
import type { JsonValue } from '#protocol/json.js'
import type { FormSchema } from './form-schema.js'
import { SelectRow, SwitchRow, TextRow } from './rows.js'

type ConfigWidgetProps = WidgetProps<unknown, FormSchema, object>
const DEFAULT = 'as-by-default'

const common = ({ label, schema, rawErrors = [], required }: ConfigWidgetProps) => ({
  label,
  description: schema.description,
  problem: rawErrors.length === 0 ? undefined : rawErrors.join('. '),
  isRequired: required === true,
})

/** Words and numbers. */
export function TextWidget(props: ConfigWidgetProps) {
  const { schema, onChange } = props
  const value = props.value as JsonValue | undefined
  const byDefault = schema['x-default']
  const modes = { integer: 'numeric', number: 'decimal' } as const
  return (
    <TextRow
      {...common(props)}
      value={value === undefined || value === null ? '' : shown(value)}
      onChange={(text) => onChange(text === '' ? undefined : text)}
      placeholder={
        byDefault !== undefined && byDefault !== null
          ? shown(byDefault)
          : (schema['x-none'] ?? (props.required === true ? 'Required' : ''))
      }
      inputMode={
        schema.type === 'integer' || schema.type === 'number' ? modes[schema.type] : 'text'
      }
    />
  )
}
const shown = (value: JsonValue): string =>
  typeof value === 'string' ? value : JSON.stringify(value)

/** One of a few words. */
export function SelectWidget(props: ConfigWidgetProps) {
  const { schema, onChange } = props
  const value = props.value as JsonValue | undefined
  const byDefault = schema['x-default']
  const names = (schema.enum ?? []).map(String)
  // What another version knew, or somebody wrote as text, is not lost: the coordinator judges it.
  const unknown = typeof value === 'string' && !names.includes(value) ? [value] : []
  const isSet = typeof value === 'string' && value !== byDefault
  const items = [...names, ...unknown].map((id) =>
    id === byDefault ? { id: DEFAULT, label: `${id} (default)` } : { id, label: id },
  )
  const unset = byDefault === undefined && props.required !== true
  return (
    <SelectRow
      {...common(props)}
      items={unset ? [{ id: DEFAULT, label: 'Not set' }, ...items] : items}
      value={isSet ? value : byDefault !== undefined || unset ? DEFAULT : ''}
      onChange={(id) => onChange(id === DEFAULT ? undefined : id)}
    />
  )
}

/** Yes or no. */
export function SwitchWidget(props: ConfigWidgetProps) {
  const { schema, onChange } = props
  const { label, description, problem } = common(props)
  const byDefault = schema['x-default'] === true
  const value = props.value as JsonValue | undefined
  return (
    <SwitchRow
      {...{ label, description, problem }}
      isSelected={typeof value === 'boolean' ? value : byDefault}
      onChange={(wanted) => onChange(wanted === byDefault ? undefined : wanted)}
    />
  )
}
