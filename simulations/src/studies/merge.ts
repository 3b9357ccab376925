/** How the overrides of a variant or a setting change a configuration as a person wrote it. */
import { isJsonObject, type JsonObject } from '#protocol/json.js'
import { withChoiceNames, type RunConfigInput } from '#protocol/run-config.js'

/** Where at most one of these keys is written; naming one takes the others away. */
const ALTERNATIVES: Readonly<Record<string, readonly string[]>> = {
  cohort: ['size', 'fraction', 'all', 'take'],
  startFrom: ['file', 'pretrain', 'variant'],
}
/** Here `name` is a data set. Another one has another `path`; how its examples are dealt stays. */
const DATA_SETS = ['data', 'evaluation.central']

/**
 * `base` with `overrides` in it, at any depth. Lists and plain values replace. An object that names another choice (another
 * `method`, `model`, optimizer) replaces that choice, because its options are those of the other name.
 */
export const mergeOverrides = (base: RunConfigInput, overrides: JsonObject): RunConfigInput =>
  mergeAt(withChoiceNames(base), overrides, [])

function mergeAt(base: JsonObject, overrides: JsonObject, path: readonly string[]): JsonObject {
  const gone = keysGone(base, overrides, path.join('.'))
  const kept = Object.entries(base).filter(
    ([key]) => !gone.includes(key) && !Object.hasOwn(overrides, key),
  )
  const changed = Object.entries(overrides).map(([key, value]) => {
    const inner = Object.hasOwn(base, key) ? base[key] : undefined
    const isMerged = isJsonObject(inner) && isJsonObject(value)
    return [key, isMerged ? mergeAt(inner, value, [...path, key]) : value] as const
  })
  // fromEntries defines `__proto__` as a plain key, which the schema then refuses by name.
  return Object.fromEntries([...kept, ...changed])
}

/** The keys of `base` that do not outlive the overrides. */
function keysGone(base: JsonObject, overrides: JsonObject, path: string): readonly string[] {
  const alternatives = ALTERNATIVES[path] ?? []
  if (alternatives.some((key) => Object.hasOwn(overrides, key))) return alternatives
  const { name } = overrides
  if (path === '' || typeof name !== 'string' || name === base['name']) return []
  return DATA_SETS.includes(path) ? ['path'] : Object.keys(base)
}
