import type { FieldProps } from '@rjsf/utils'
import { useRef, useState } from 'react'
import { isJsonObject, type JsonObject, type JsonValue } from '#protocol/json.js'
import { isSame, withValueAt } from './config-data.js'
import { chosenName, defaultName, variantOf, type FormSchema } from './form-schema.js'
import { messagesIn } from './refusal.js'
import { Group, SelectRow, SwitchRow, TextRow } from './rows.js'

/** What forms hand on; it is JSON, whose type would be expanded without end. */
export type ConfigFieldProps = FieldProps<unknown, FormSchema, object>
const valueOf = ({ formData }: ConfigFieldProps): JsonValue | undefined =>
  formData as JsonValue | undefined

const problemOf = ({ rawErrors = [] }: ConfigFieldProps): string | undefined =>
  rawErrors.length === 0 ? undefined : rawErrors.join('. ')
const isTop = ({ fieldPathId }: ConfigFieldProps): boolean => fieldPathId.path.length === 1
const NONE = 'none-of-these'

/** An object whose name decides what else it holds. Another name brings back what was set when it was chosen before. */
export function ChoiceField(props: ConfigFieldProps) {
  const value = valueOf(props)
  const { schema, fieldPathId, onChange, registry, required = false } = props
  const remembered = useRef(new Map<string, JsonValue>())
  const byDefault = defaultName(schema)
  const name = chosenName(schema, value)
  const variant = variantOf(schema, value)
  const mayBeNone = byDefault === undefined && !required && !isItem(props)
  const names = Object.keys(schema['x-variants'] ?? {})
  const choose = (next: string): void => {
    if (name !== null && isJsonObject(value)) remembered.current.set(name, value)
    const before = remembered.current.get(next)
    const chosen = next === NONE || next === byDefault ? undefined : { name: next }
    onChange(before ?? chosen, fieldPathId.path)
  }
  // Options of a choice that nobody made yet come with its name.
  const changeWithin: typeof onChange = (...change) => {
    const [next, path, ...rest] = change
    if (isJsonObject(value) && 'name' in value) {
      onChange(...change)
      return
    }
    const base: JsonObject = { name: name ?? '', ...(isJsonObject(value) ? value : {}) }
    const inner = path.slice(fieldPathId.path.length)
    onChange(withValueAt(base, inner, next as JsonValue | undefined), fieldPathId.path, ...rest)
  }
  const hasOptions = Object.keys(variant?.properties ?? {}).length > 0
  const { ObjectField } = registry.fields
  const title = isItem(props) ? `Step ${Number(fieldPathId.path.at(-1)) + 1}` : (schema.title ?? '')
  return (
    <Group
      title={title}
      description={schema.description}
      isCard={isTop(props)}
      control={
        <SelectRow
          isBare
          label={title}
          description={schema.description}
          problem={problemOf(props)}
          items={[
            ...(mayBeNone ? [{ id: NONE, label: 'None' }] : []),
            ...names.map((id) => ({ id, label: id === byDefault ? `${id} (default)` : id })),
          ]}
          value={name ?? (mayBeNone ? NONE : '')}
          onChange={choose}
        />
      }
    >
      {hasOptions && variant !== null && ObjectField !== undefined && (
        <ObjectField {...props} schema={{ ...variant, title: '' }} onChange={changeWithin} />
      )}
    </Group>
  )
}
/** One of a list is there as long as it is not removed. */
const isItem = ({ fieldPathId }: ConfigFieldProps): boolean =>
  typeof fieldPathId.path.at(-1) === 'number'

/** An object that is there or not, whatever it holds. */
export function OptionalField(props: ConfigFieldProps) {
  const value = valueOf(props)
  const { schema, fieldPathId, onChange, registry } = props
  const isThere = isJsonObject(value)
  const remembered = useRef<JsonObject>({})
  const change = (wanted: boolean): void => {
    if (isThere) remembered.current = value
    onChange(wanted ? remembered.current : undefined, fieldPathId.path)
  }
  const { ObjectField } = registry.fields
  return (
    <Group
      title={schema.title ?? ''}
      description={schema.description}
      problem={problemOf(props)}
      isCard={isTop(props)}
      control={
        <SwitchRow isBare label={schema.title ?? ''} isSelected={isThere} onChange={change} />
      }
    >
      {isThere && ObjectField !== undefined && (
        <ObjectField {...props} schema={{ ...schema, title: '' }} />
      )}
    </Group>
  )
}

/** What is written as text, and what it stands for: shown as it was written as long as it still means the value. */
function useWritten(
  value: JsonValue | undefined,
  {
    write,
    read,
  }: { write: (value: JsonValue) => string; read: (text: string) => JsonValue | undefined },
): { readonly text: string; readonly change: (text: string) => JsonValue | undefined } {
  const [written, setWritten] = useState<string | null>(null)
  const isMeant = written !== null && isSame(read(written), value)
  return {
    text: isMeant ? written : value === undefined || value === null ? '' : write(value),
    change: (text) => {
      setWritten(text)
      return read(text)
    },
  }
}

/** Numbers or words in one line, with commas between. */
export function ListField(props: ConfigFieldProps) {
  const value = valueOf(props)
  const { schema, fieldPathId, onChange, required = false, errorSchema } = props
  const isNumeric = schema['x-items'] === 'number'
  const { text, change } = useWritten(value, {
    write: lineOf,
    read: (line) => listIn(line, isNumeric),
  })
  const problems = [...(props.rawErrors ?? []), ...messagesIn(errorSchema)]
  const byDefault = schema['x-default']
  return (
    <TextRow
      label={schema.title ?? ''}
      description={schema.description}
      value={text}
      onChange={(line) => onChange(change(line), fieldPathId.path)}
      placeholder={
        Array.isArray(byDefault) && byDefault.length > 0
          ? lineOf(byDefault)
          : (schema['x-none'] ?? (required ? 'Required' : ''))
      }
      problem={problems.length === 0 ? undefined : problems.join('. ')}
      isRequired={required}
    />
  )
}
export const lineOf = (value: JsonValue): string =>
  Array.isArray(value)
    ? value
        .map((one: JsonValue) => (typeof one === 'string' ? one : JSON.stringify(one)))
        .join(', ')
    : JSON.stringify(value)
export function listIn(line: string, isNumeric: boolean): JsonValue | undefined {
  const words = line.split(',').map((word) => word.trim())
  const said = words.filter((word) => word !== '')
  if (said.length === 0) return undefined
  return said.map((word) => (isNumeric ? numberIn(word) : word))
}
/** What is no number stays as it is written: the coordinator says what it expected. */
const numberIn = (word: string): JsonValue =>
  word.trim() !== '' && Number.isFinite(Number(word)) ? Number(word) : word

/** A whole number, or a name. */
export function EitherField(props: ConfigFieldProps) {
  const value = valueOf(props)
  const { schema, fieldPathId, onChange } = props
  const byDefault = schema['x-default']
  const shown = (one: JsonValue): string => (typeof one === 'string' ? one : JSON.stringify(one))
  return (
    <TextRow
      label={schema.title ?? ''}
      description={schema.description}
      value={value === undefined || value === null ? '' : shown(value)}
      onChange={(text) => onChange(text === '' ? undefined : numberIn(text), fieldPathId.path)}
      placeholder={
        byDefault === undefined || byDefault === null ? (schema['x-none'] ?? '') : shown(byDefault)
      }
      problem={problemOf(props)}
    />
  )
}

/** What has no field of its own, as JSON. */
export function JsonField(props: ConfigFieldProps) {
  const value = valueOf(props)
  const { schema, fieldPathId, onChange, errorSchema } = props
  // What does not parse is a draft, and changes nothing.
  const [draft, setDraft] = useState<string | null>(null)
  const { text, change } = useWritten(value, { write: JSON.stringify, read: jsonIn })
  const edit = (next: string): void => {
    const read = jsonIn(next)
    setDraft(read === undefined && next.trim() !== '' ? next : null)
    if (read !== undefined || next.trim() === '') onChange(change(next), fieldPathId.path)
  }
  const problems = [...(props.rawErrors ?? []), ...messagesIn(errorSchema)]
  const said = problems.length === 0 ? undefined : problems.join('. ')
  return (
    <TextRow
      isLong
      label={schema.title ?? ''}
      description={schema.description}
      value={draft ?? text}
      onChange={edit}
      placeholder={JSON.stringify(schema['x-default'] ?? null)}
      problem={draft === null ? said : 'This is no JSON yet'}
    />
  )
}
function jsonIn(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue
  } catch {
    return undefined
  }
}
