import type { StrictRJSFSchema } from '@rjsf/utils'
import { isJsonObject, type JsonObject, type JsonValue } from '#protocol/json.js'

/**
 * How a value is edited, where its type does not say it. choice: an object whose `name` decides which keys it has. optional: an
 * object that is there or not. list: words or numbers in one line. either: a number or a word. json: anything else.
 */
export type FieldKind = 'choice' | 'optional' | 'list' | 'either' | 'json'

/** A schema as the form reads it: one type a node, nothing to choose between, and no default that would be filled in. */
export interface FormSchema extends StrictRJSFSchema {
  readonly 'x-field'?: FieldKind
  /** What the coordinator takes where nothing is said. */
  readonly 'x-default'?: JsonValue
  /** By the name that chooses one. */
  readonly 'x-variants'?: Readonly<Record<string, FormSchema>>
  /** Of lists: of what. */
  readonly 'x-items'?: 'number' | 'text'
  /** What it means to leave it out, where that is what `null` means: "no clipping". */
  readonly 'x-none'?: string
  readonly properties?: { readonly [key: string]: FormSchema }
  readonly items?: FormSchema
}

/** JSON Schema as the coordinator tells it. */
interface Node {
  readonly type?: string
  readonly title?: string
  readonly description?: string
  readonly default?: JsonValue
  readonly const?: JsonValue
  readonly enum?: readonly string[]
  readonly properties?: Readonly<Record<string, Node>>
  readonly required?: readonly string[]
  readonly additionalProperties?: unknown
  readonly items?: Node | false
  readonly prefixItems?: readonly Node[]
  readonly oneOf?: readonly Node[]
  readonly anyOf?: readonly Node[]
}

/** Settings that the page has other ways for, or that only simulations have: they stay in the text. */
const LEFT_OUT: ReadonlySet<string> = new Set(['data', 'cohort.all', 'cohort.take', 'audit.when'])
/** What the form folds away, what touches people's privacy first. */
const MORE = [
  'updates',
  'audit',
  'aggregation',
  'calibration',
  'compute',
  'startFrom',
  'durability',
]
/** What people ask for first, before everything else beside it. */
const FIRST: ReadonlyMap<string, readonly string[]> = new Map([
  [
    '',
    [
      'name',
      'rounds',
      'seed',
      'task',
      'model',
      'method',
      'training',
      'cohort',
      'evaluation',
      ...MORE,
    ],
  ],
  ['training.optimizer', ['learningRate', 'momentum']],
  ['cohort', ['size', 'fraction', 'minReporters', 'deadlineSeconds']],
])

/** The schema of a whole configuration for the form. */
export const formSchemaOf = (schema: JsonObject): FormSchema =>
  prepared(schema, { path: [], isRequired: true })

interface Place {
  readonly path: readonly string[]
  readonly isRequired: boolean
}

function prepared(node: Node, place: Place): FormSchema {
  const { key, inner, isNullable } = { key: place.path.at(-1) ?? '', ...withoutNull(node) }
  const said = node.description ?? inner.description
  const [ofNull, meaning] = /; null: ([^.;]+)/.exec(said ?? '') ?? []
  // Who sees a form writes no null: the meaning stands in the empty field.
  const description = isNullable && ofNull !== undefined ? said?.replace(ofNull, '') : said
  const common = {
    title: node.title ?? inner.title ?? titleOf(key),
    ...(description === undefined ? {} : { description }),
    ...(node.default === undefined ? {} : { 'x-default': node.default }),
    ...(isNullable ? { 'x-none': meaning ?? 'none' } : {}),
  }
  if (inner.oneOf !== undefined) return { ...common, ...choiceOf(inner.oneOf, place) }
  if (inner.anyOf !== undefined) return { ...common, type: 'string', 'x-field': 'either' }
  if (inner.type === 'array') return { ...common, ...listOf(inner, place) }
  if (inner.type === 'object') {
    const isThere = place.isRequired || (node.default !== undefined && node.default !== null)
    return { ...common, ...objectOf(inner, place), ...(isThere ? {} : { 'x-field': 'optional' }) }
  }
  const { type, enum: names } = inner
  const kinds = {
    string: 'string',
    integer: 'integer',
    number: 'number',
    boolean: 'boolean',
  } as const
  const kind =
    type !== undefined && Object.hasOwn(kinds, type) ? kinds[type as keyof typeof kinds] : null
  if (kind === null) return { ...common, type: 'object', 'x-field': 'json' }
  return { ...common, type: kind, ...(names === undefined ? {} : { enum: [...names] }) }
}

/** `null` says that something is not wanted; in the form that is to leave it out. */
function withoutNull(node: Node): { readonly inner: Node; readonly isNullable: boolean } {
  const [first, second, ...others] = node.anyOf ?? []
  return first !== undefined && second?.type === 'null' && others.length === 0
    ? { inner: first, isNullable: true }
    : { inner: node, isNullable: false }
}

function choiceOf(variants: readonly Node[], { path }: Place): FormSchema {
  const named = variants.map((variant) => {
    const { name, ...properties } = variant.properties ?? {}
    const own = { ...variant, properties, required: [] }
    return [
      typeof name?.const === 'string' ? name.const : '',
      objectOf(own, { path, isRequired: true }),
    ] as const
  })
  return { type: 'object', 'x-field': 'choice', 'x-variants': Object.fromEntries(named) }
}

function listOf({ items, prefixItems }: Node, { path }: Place): FormSchema {
  const [first] = prefixItems ?? []
  const item = first ?? (items === false ? undefined : items)
  if (item === undefined) return { type: 'object', 'x-field': 'json' }
  if (item.oneOf !== undefined)
    return { type: 'array', items: prepared(item, { path, isRequired: true }) }
  const isNumber = item.type === 'integer' || item.type === 'number'
  return isNumber || item.type === 'string'
    ? { type: 'array', 'x-field': 'list', 'x-items': isNumber ? 'number' : 'text' }
    : { type: 'object', 'x-field': 'json' }
}

function objectOf(node: Node, { path }: Place): FormSchema {
  const properties = node.properties ?? {}
  const first = FIRST.get(path.join('.')) ?? []
  const keys = [...new Set([...first, ...Object.keys(properties)])]
  const inForm = keys.flatMap((key) => {
    const property = properties[key]
    const inner = [...path, key]
    if (property === undefined || LEFT_OUT.has(inner.join('.'))) return []
    const isRequired = node.required?.includes(key) === true
    return [[key, prepared(property, { path: inner, isRequired })] as const]
  })
  return {
    ...{ type: 'object', additionalProperties: false, properties: Object.fromEntries(inForm) },
    required: (node.required ?? []).filter((key) => Object.hasOwn(properties, key)),
  }
}

/** `learningRate` as people say it: Learning rate. What is written in capitals stays so. */
export function titleOf(key: string): string {
  const words = key.split(/(?<=[a-z0-9])(?=[A-Z])/)
  const said = words.map((word) => (/^[A-Z]\d*$/.test(word) ? word : word.toLowerCase())).join(' ')
  return said.slice(0, 1).toUpperCase() + said.slice(1)
}

/** Of a choice: the keys that belong to the name that is chosen; null where none is. */
export function variantOf(schema: FormSchema, value: unknown): FormSchema | null {
  const name = chosenName(schema, value)
  return name === null ? null : (schema['x-variants']?.[name] ?? null)
}
/** What is chosen, by whoever wrote the configuration or by default. */
export function chosenName(schema: FormSchema, value: unknown): string | null {
  const chosen = isJsonObject(value) ? value : schema['x-default']
  const name = isJsonObject(chosen) ? (chosen['name'] ?? defaultName(schema)) : undefined
  return typeof name === 'string' ? name : null
}
export function defaultName(schema: FormSchema): string | undefined {
  const by = schema['x-default']
  const name = isJsonObject(by) ? by['name'] : undefined
  return typeof name === 'string' ? name : undefined
}
