import { isJsonObject, type JsonObject, type JsonValue } from '#protocol/json.js'
import { variantOf, type FormSchema } from './form-schema.js'

/** What is not said at all is not sent: no empty objects where something is said by default, no keys without a value. */
export const tidied = (config: JsonObject, schema: FormSchema): JsonObject =>
  keysOf(config, schema, (value, inner) => isSame(value, emptyOf(inner)))

/** The same without what the coordinator would take anyway: what is left is what makes this configuration another one. */
export const withoutDefaults = (config: JsonObject, schema: FormSchema): JsonObject =>
  keysOf(
    config,
    schema,
    (value, inner) => isSame(value, inner['x-default']) || isSame(value, emptyOf(inner)),
  )

type IsSaid = (value: JsonValue, schema: FormSchema) => boolean

function keysOf(value: JsonObject, schema: FormSchema, isUnsaid: IsSaid): JsonObject {
  const properties = (schema['x-field'] === 'choice' ? variantOf(schema, value) : schema)
    ?.properties
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]): [string, JsonValue][] => {
      // Forms clear a field by writing that there is nothing.
      if ((inner as unknown) === undefined) return []
      const of = properties?.[key]
      if (of === undefined) return [[key, inner]]
      const within = valueOf(inner, of, isUnsaid)
      return isUnsaid(within, of) ? [] : [[key, within]]
    }),
  )
}
function valueOf(value: JsonValue, schema: FormSchema, isUnsaid: IsSaid): JsonValue {
  if (schema['x-field'] === 'json') return value
  if (isJsonObject(value)) return keysOf(value, schema, isUnsaid)
  const { items } = schema
  if (!Array.isArray(value) || items === undefined) return value
  return value.map((one: JsonValue) => valueOf(one, items, isUnsaid))
}

/** What an object is when none of its keys are said; undefined for what has no such thing. */
function emptyOf(schema: FormSchema): JsonValue | undefined {
  const by = schema['x-default']
  return isJsonObject(by) && schema['x-field'] !== 'optional' ? by : undefined
}

/** Whether two values are the same as JSON, whatever the order of their keys. */
export function isSame(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((one: JsonValue, i) => isSame(one, b[i] as JsonValue))
  if (!isJsonObject(a) || !isJsonObject(b)) return a === b
  const keys = Object.keys(a)
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && isSame(a[key], b[key]))
  )
}

/** The object with another value at a path; undefined takes the key away. */
export function withValueAt(
  base: JsonObject,
  [key = '', ...rest]: readonly (string | number)[],
  value: JsonValue | undefined,
): JsonObject {
  if (rest.length > 0) {
    const inner = base[key]
    return { ...base, [key]: withValueAt(isJsonObject(inner) ? inner : {}, rest, value) }
  }
  const { [key]: _, ...others } = base
  return value === undefined ? others : { ...base, [key]: value }
}

/** The configuration of a run, to start another one from it: as short as a person would have written it. */
export function configFromRun(config: JsonObject, schema: FormSchema): JsonObject {
  // Where clients' shares came from was a matter of the simulation; here nodes have data of their own.
  const { data: _, cohort, ...rest } = config
  return withoutDefaults(
    { ...rest, ...(isJsonObject(cohort) ? { cohort: cohortAsWritten(cohort) } : {}) },
    schema,
  )
}
/** Finished configurations say in one key, `take`, what people write as `size`, `fraction` or nothing. */
function cohortAsWritten({ take, ...rest }: JsonObject): JsonObject {
  return { ...(isJsonObject(take) ? take : {}), ...rest }
}
