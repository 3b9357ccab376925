import { closest, distance } from 'fastest-levenshtein'
import type { z } from 'zod'
import { FederationError } from './errors.js'
import type { JsonObject, JsonValue } from './json.js'

type Issue = z.core.$ZodIssue
type Path = readonly PropertyKey[]

/** One error for all problems of a configuration: each with its path, the value found and the nearest valid key or name. */
export function configProblem(
  error: z.ZodError,
  input: unknown,
  schema: JsonObject,
): FederationError {
  const sentences = error.issues.flatMap((issue) => describe(issue, input, schema))
  const isName = error.issues.every(isUnknownName)
  return new FederationError(
    isName ? 'config/unknown-name' : 'config/invalid',
    sentences.join('; '),
  )
}

const isUnknownName = (issue: Issue): boolean =>
  issue.code === 'invalid_union' && 'discriminator' in issue && issue.discriminator !== undefined

function describe(issue: Issue, input: unknown, schema: JsonObject): readonly string[] {
  if (issue.code === 'unrecognized_keys') {
    const valid = keysAt(schema, issue.path, input)
    return issue.keys.map((key) => {
      const found = show(valueAt(input, [...issue.path, key]))
      return `${dotted([...issue.path, key])} (${found}) is not a key${suggestion(key, valid)}`
    })
  }
  if (isUnknownName(issue)) {
    const parent = issue.path.at(-1) === 'name' ? issue.path.slice(0, -1) : issue.path
    const found = valueAt(input, [...parent, 'name'])
    const names = namesAt(schema, parent)
    return [
      `${dotted([...parent, 'name'])} ${show(found)} is none of ${names.join(', ')}${suggestion(String(found), names)}`,
    ]
  }
  return [
    `${dotted(issue.path) || 'the configuration'}: ${issue.message}, got ${show(valueAt(input, issue.path))}`,
  ]
}

const dotted = (path: Path): string => path.map(String).join('.')
function valueAt(input: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null
        ? (value as Record<PropertyKey, unknown>)[key]
        : undefined,
    input,
  )
}
function show(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value)
  return text.length > 80 ? `${text.slice(0, 77)}…` : text
}
function suggestion(key: string, valid: readonly string[]): string {
  if (valid.length === 0) return ''
  const nearest = closest(key, [...valid])
  return distance(key, nearest) <= Math.max(3, key.length / 2)
    ? `; did you mean ${nearest}?`
    : `; valid are ${valid.join(', ')}`
}

const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The alternatives of a schema node: itself, or the members of its union. */
function variants(node: JsonObject): readonly JsonObject[] {
  const union = node['anyOf'] ?? node['oneOf']
  return Array.isArray(union)
    ? (union as readonly JsonValue[]).filter(isObject).flatMap(variants)
    : [node]
}
function nodesAt(schema: JsonObject, path: Path): readonly JsonObject[] {
  return path.reduce<readonly JsonObject[]>(
    (nodes, key) =>
      nodes.flatMap((node) => {
        const properties = node['properties']
        const child = isObject(properties) ? properties[String(key)] : undefined
        return isObject(child) ? variants(child) : []
      }),
    variants(schema),
  )
}
/** Valid keys at a path; of a choice, those of the alternative whose name was written. */
function keysAt(schema: JsonObject, path: Path, input: unknown): readonly string[] {
  const name = valueAt(input, [...path, 'name'])
  const nodes = nodesAt(schema, path)
  const chosen = nodes.filter((node) => nameOf(node) === name && name !== undefined)
  return (chosen.length > 0 ? chosen : nodes).flatMap((node) => {
    const properties = node['properties']
    return isObject(properties) ? Object.keys(properties) : []
  })
}
const namesAt = (schema: JsonObject, path: Path): readonly string[] =>
  nodesAt(schema, path).flatMap((node) => nameOf(node) ?? [])
function nameOf(node: JsonObject): string | undefined {
  const properties = node['properties']
  const name = isObject(properties) ? properties['name'] : undefined
  const constant = isObject(name) ? name['const'] : undefined
  return typeof constant === 'string' ? constant : undefined
}
