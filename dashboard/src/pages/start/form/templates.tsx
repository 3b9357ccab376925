import type {
  ArrayFieldItemTemplateProps,
  ArrayFieldTemplateProps,
  FieldTemplateProps,
  ObjectFieldTemplateProps,
} from '@rjsf/utils'
import { ArrowDown, ArrowUp, ChevronRight, Plus, Trash2 } from 'lucide-react'
import { useState, type ReactNode } from 'react'
import { Button as AriaButton } from 'react-aria-components'
import { isJsonObject } from '#protocol/json.js'
import { Button, IconButton } from '../../../parts/button.js'
import type { FormSchema } from './form-schema.js'
import { messagesIn } from './refusal.js'
import { Group } from './rows.js'
import css from './templates.module.css'

type Data = unknown

/** Fields draw their own names, descriptions and problems; this is how one is found. */
export function FieldTemplate(props: FieldTemplateProps<Data, FormSchema, object>) {
  const { id, children, schema, rawErrors = [] } = props
  // What is wrong with an object as a whole has no field.
  const isWhole = schema.type === 'object' && schema['x-field'] === undefined
  return (
    <div data-field={id}>
      {children}
      {isWhole && rawErrors.length > 0 && <p className={css['problem']}>{rawErrors.join('. ')}</p>}
    </div>
  )
}

/** What most people never set is a press away, unless it is set or wrong. */
const FIRST = 4
/** The cards that every run is about; scalars of the whole configuration stand together in the first. */
const ESSENTIAL = ['task', 'model', 'method', 'training', 'cohort', 'evaluation']

type Properties = ObjectFieldTemplateProps<Data, FormSchema, object>

export function ObjectFieldTemplate(props: Properties) {
  const { fieldPathId, schema, title } = props
  const depth = fieldPathId.path.length
  if (depth === 0) return <Whole {...props} />
  const rows = <Rows {...props} />
  // Choices and what is optional have a heading already.
  if (title === '') return rows
  return (
    <Group title={title} description={schema.description} isCard={depth === 1}>
      {rows}
    </Group>
  )
}

const isSaid = ({ formData, errorSchema }: Properties, name: string): boolean =>
  (isJsonObject(formData) && formData[name] !== undefined) ||
  messagesIn((errorSchema as Readonly<Record<string, unknown>> | undefined)?.[name]).length > 0

function Rows(props: Properties) {
  const { properties, schema } = props
  const [isOpen, setIsOpen] = useState(false)
  // One more is no reason to fold.
  const isFolded = properties.length > FIRST + 1
  const isShown = (name: string, i: number): boolean =>
    !isFolded || i < FIRST || schema.required?.includes(name) === true || isSaid(props, name)
  const shown = properties.filter(({ name }, i) => isOpen || isShown(name, i))
  const more = properties.filter(({ name }, i) => !isShown(name, i)).length
  return (
    <>
      {shown.map(({ content }) => content)}
      {more > 0 && (
        <Fold isOpen={isOpen} onChange={setIsOpen}>
          {isOpen ? 'Show fewer' : `Show ${more} more`}
        </Fold>
      )}
    </>
  )
}

function Whole(props: Properties) {
  const { properties, schema } = props
  const isFirst = (name: string): boolean => ['name', 'rounds', 'seed'].includes(name)
  const essential = properties.filter(({ name }) => ESSENTIAL.includes(name))
  const others = properties.filter(({ name }) => !ESSENTIAL.includes(name) && !isFirst(name))
  const [isOpen, setIsOpen] = useState(false)
  const isCard = ({ name }: { readonly name: string }): boolean => !isPlain(schema, name)
  const said = others.filter((property) => isCard(property) && isSaid(props, property.name))
  const cards = others.filter((property) => isCard(property) && !said.includes(property))
  const rows = others.filter((property) => !isCard(property))
  const isRowSaid = rows.some(({ name }) => isSaid(props, name))
  const folded = [...cards, ...(isRowSaid ? [] : rows)]
  const other = (
    <Group title="Other" isCard>
      {rows.map(({ content }) => content)}
    </Group>
  )
  return (
    <div className={css['cards']}>
      <Group title="Run" isCard>
        {properties.filter(({ name }) => isFirst(name)).map(({ content }) => content)}
      </Group>
      {essential.map(({ content }) => content)}
      {said.map(({ content }) => content)}
      {isRowSaid && other}
      {folded.length > 0 && (
        <Fold isOpen={isOpen} onChange={setIsOpen} isLarge>
          More settings
          <span className={css['names']}>
            {folded.map(({ name }) => schema.properties?.[name]?.title).join(', ')}
          </span>
        </Fold>
      )}
      {isOpen && cards.map(({ content }) => content)}
      {isOpen && !isRowSaid && rows.length > 0 && other}
    </div>
  )
}
/** A row, and no card. */
function isPlain(schema: FormSchema, name: string): boolean {
  const type = schema.properties?.[name]?.type
  return type !== 'object' && type !== 'array'
}

function Fold({
  isOpen,
  onChange,
  isLarge = false,
  children,
}: {
  readonly isOpen: boolean
  readonly onChange: (isOpen: boolean) => void
  readonly isLarge?: boolean
  readonly children: ReactNode
}) {
  return (
    <AriaButton
      className={(isLarge ? css['largeFold'] : css['fold']) ?? ''}
      aria-expanded={isOpen}
      onPress={() => onChange(!isOpen)}
    >
      <ChevronRight size={14} aria-hidden="true" />
      {children}
    </AriaButton>
  )
}

/** A list of objects, in the order in which they act. */
export function ArrayFieldTemplate(props: ArrayFieldTemplateProps<Data, FormSchema, object>) {
  const { title, schema, items, canAdd, onAddClick, fieldPathId, rawErrors = [] } = props
  return (
    <Group
      title={title}
      description={schema.description}
      problem={rawErrors.length === 0 ? undefined : rawErrors.join('. ')}
      isCard={fieldPathId.path.length === 1}
      control={
        canAdd === true && (
          <Button icon={Plus} onPress={() => onAddClick()}>
            Add
          </Button>
        )
      }
    >
      {items.length > 0 && items}
    </Group>
  )
}

export function ArrayItemTemplate({
  children,
  buttonsProps,
  index,
}: ArrayFieldItemTemplateProps<Data, FormSchema, object>) {
  const { hasMoveUp, hasMoveDown, onMoveUpItem, onMoveDownItem, onRemoveItem } = buttonsProps
  const number = index + 1
  return (
    <div className={css['item']}>
      <div className={css['itemContent']}>{children}</div>
      <div className={css['itemActions']}>
        <IconButton
          label={`Move ${number} up`}
          icon={ArrowUp}
          isDisabled={!hasMoveUp}
          onPress={() => onMoveUpItem()}
        />
        <IconButton
          label={`Move ${number} down`}
          icon={ArrowDown}
          isDisabled={!hasMoveDown}
          onPress={() => onMoveDownItem()}
        />
        <IconButton label={`Remove ${number}`} icon={Trash2} onPress={() => onRemoveItem()} />
      </div>
    </div>
  )
}
