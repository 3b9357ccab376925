import type { ErrorSchema } from '@rjsf/utils'
import type { FederationError } from '#protocol/errors.js'
import { isJsonObject, type JsonObject, type JsonValue } from '#protocol/json.js'
import { isSame } from './config-data.js'
import { variantOf, type FormSchema } from './form-schema.js'

export type Path = readonly (string | number)[]
/** One thing that is wrong with one setting. */
export interface FieldProblem {
  readonly path: Path
  readonly message: string
}
export interface Refusal {
  readonly fields: readonly FieldProblem[]
  /** Sentences about what no field stands for. */
  readonly others: readonly string[]
}

/** A sentence of the coordinator begins with the key that it is about: `training.optimizer.momentum: expected < 1, got 3`. */
const KEY = /^([a-z]\w*(?:\.\w[\w-]*|\[\d+\])*)(:? )(.*)$/is

/** What the coordinator said about a configuration, setting by setting. */
export function refusalOf(error: FederationError, config: JsonObject, schema: FormSchema): Refusal {
  const lines = error.message.split('\n').filter((line) => line.trim() !== '')
  const placed = lines.map((line) => ({ line, problem: problemIn(line, config, schema) }))
  return {
    fields: placed.flatMap(({ problem }) => (problem === null ? [] : [problem])),
    others: placed.flatMap(({ line, problem }) => (problem === null ? [line] : [])),
  }
}

function problemIn(line: string, config: JsonObject, schema: FormSchema): FieldProblem | null {
  const [, key, gap, rest = ''] = KEY.exec(line) ?? []
  if (key === undefined) return null
  const path = [...key.matchAll(/[^.[\]]+/g)].map(([step]) =>
    /^\d+$/.test(step) ? Number(step) : step,
  )
  const shown = shownPath(path, config, schema)
  if (shown === null) return null
  // Two settings that do not go together are named in the sentence.
  const isAbout = gap === ': ' || rest.startsWith(MISSING)
  return { path: shown, message: isAbout ? capitalised(rest.replace(MISSING, 'missing')) : line }
}
const MISSING = 'is missing'
const capitalised = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1)

/** The field in which the setting is edited; null: none is. */
function shownPath(path: Path, config: JsonObject, schema: FormSchema): Path | null {
  let node: FormSchema = schema
  let value: JsonValue | undefined = config
  for (const [i, step] of path.entries()) {
    // A list in one line, or an object as text, stands for everything within.
    if (node['x-field'] === 'list' || node['x-field'] === 'json') return path.slice(0, i)
    // The name is what the choice itself shows.
    if (node['x-field'] === 'choice' && step === 'name') return path.slice(0, i)
    const inner = within(node, value, step)
    if (inner === undefined) return null
    node = inner
    value = stepInto(value, step)
  }
  return path
}
function within(node: FormSchema, value: JsonValue | undefined, step: string | number) {
  if (typeof step === 'number') return node.items
  const { properties } = (node['x-field'] === 'choice' ? variantOf(node, value) : node) ?? {}
  return properties !== undefined && Object.hasOwn(properties, step) ? properties[step] : undefined
}
function stepInto(value: JsonValue | undefined, step: string | number): JsonValue | undefined {
  if (Array.isArray(value)) return typeof step === 'number' ? (value[step] as JsonValue) : undefined
  return isJsonObject(value) ? value[step] : undefined
}

/** As the form takes it: a tree like the configuration, with the sentences at its leaves. */
export function errorTreeOf(problems: readonly FieldProblem[]): ErrorSchema {
  const tree: Tree = {}
  for (const { path, message } of problems) {
    let at = tree
    for (const step of path) at = at[step] = (at[step] ?? {}) as Tree
    at.__errors = [...(at.__errors ?? []), message]
  }
  return tree as ErrorSchema
}
interface Tree {
  [step: string | number]: unknown
  __errors?: readonly string[]
}

/** Every sentence in a part of the tree. */
export function messagesIn(tree: unknown): readonly string[] {
  if (Array.isArray(tree)) return tree.filter((one): one is string => typeof one === 'string')
  return typeof tree === 'object' && tree !== null ? Object.values(tree).flatMap(messagesIn) : []
}

/** How the form calls the field at a path: as the library joins the steps. */
export const fieldIdOf = (path: Path): string => ['root', ...path].join('_')

/** What people see of a path: Training › Batch size. Of entries of lists their number. */
export function labelOf(path: Path, config: JsonObject, schema: FormSchema): string {
  const titles: string[] = []
  let node: FormSchema | undefined = schema
  let value: JsonValue | undefined = config
  for (const step of path) {
    if (node !== undefined) node = within(node, value, step)
    titles.push(typeof step === 'number' ? String(step + 1) : (node?.title ?? step))
    value = stepInto(value, step)
  }
  return titles.join(' › ')
}

/** Without those whose setting has another value now: whether that one will do, the coordinator says when it is asked again. */
export function stillWrong(refusal: Refusal, before: JsonObject, now: JsonObject): Refusal {
  const fields = refusal.fields.filter(({ path }) =>
    isSame(valueAt(before, path), valueAt(now, path)),
  )
  return fields.length === refusal.fields.length ? refusal : { ...refusal, fields }
}
const valueAt = (config: JsonObject, path: Path): JsonValue | undefined =>
  path.reduce<JsonValue | undefined>(stepInto, config)
