/** A configuration as rows to read, with what its JSON Schema says of each key. */
import type { JsonObject, JsonValue } from '#protocol/json.js'

export interface ConfigRow {
  /** From the outermost key: `training.optimizer.learningRate`. */
  readonly path: string
  readonly key: string
  readonly depth: number
  /** As JSON; null: what it holds is in the rows that follow. */
  readonly value: string | null
  /** What the schema says it is for; null: nothing. */
  readonly description: string | null
  /** Whether it is something else than where nobody said anything; null: that is not known. */
  readonly isChanged: boolean | null
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** In the order of the configuration. Schemas of JSON Schema 2020-12 without references, as the coordinator gives them. */
export function configRows(config: JsonObject, schema: JsonObject | null): readonly ConfigRow[] {
  return rowsOf(config, schema, { path: '', depth: 0 })
}

function rowsOf(
  value: JsonObject,
  schema: JsonObject | null,
  { path, depth }: { readonly path: string; readonly depth: number },
): readonly ConfigRow[] {
  return Object.entries(value).flatMap(([key, inner]) => {
    const here = path === '' ? key : `${path}.${key}`
    const own = schemaOf(schema, key)
    const chosen = branchOf(own, inner)
    const isFolded = isObject(inner) && Object.keys(inner).length > 0
    const row: ConfigRow = {
      ...{ path: here, key, depth },
      value: isFolded ? null : JSON.stringify(inner),
      description: textIn(own, 'description') ?? textIn(chosen, 'description'),
      isChanged: isFolded || own === null ? null : isChanged(chosen ?? own, own, inner),
    }
    return [row, ...(isFolded ? rowsOf(inner, chosen, { path: here, depth: depth + 1 }) : [])]
  })
}

function schemaOf(schema: JsonObject | null, key: string): JsonObject | null {
  const own = (schema?.['properties'] as JsonObject | undefined)?.[key]
  return isObject(own) ? own : null
}

/** Of schemas of which one applies, that whose constants the value has. */
function branchOf(schema: JsonObject | null, value: JsonValue): JsonObject | null {
  const branches = [schema?.['oneOf'], schema?.['anyOf']].find((list) => Array.isArray(list))
  if (!Array.isArray(branches)) return schema
  const fitting = (branches as readonly JsonValue[])
    .filter(isObject)
    .find((branch) => fits(branch, value))
  return fitting === undefined ? schema : fitting
}
function fits(branch: JsonObject, value: JsonValue): boolean {
  if (!isObject(value)) return branch['type'] === typeOf(value)
  const properties = branch['properties']
  if (!isObject(properties)) return false
  return Object.entries(properties).every(([key, each]) => {
    const wanted = isObject(each) ? each['const'] : undefined
    return wanted === undefined || wanted === value[key]
  })
}
const typeOf = (value: JsonValue): string =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value

function isChanged(chosen: JsonObject, own: JsonObject, value: JsonValue): boolean | null {
  const usual = 'default' in own ? own['default'] : chosen['default']
  return usual === undefined ? null : JSON.stringify(usual) !== JSON.stringify(value)
}
const textIn = (schema: JsonObject | null, key: string): string | null => {
  const text = schema?.[key]
  return typeof text === 'string' ? text : null
}
