import type { JsonObject } from '#protocol/json.js'
import { configOfExample, EXAMPLE_TITLES } from './examples.js'

const FILES = import.meta.glob<{ readonly default: JsonObject }>(
  '../../../../simulations/experiments/mnist-*.json',
)
/** Null: there is none of that name. */
export async function loadExample(name: string): Promise<JsonObject | null> {
  const load = FILES[`../../../../simulations/experiments/${name}.json`]
  return load === undefined || !EXAMPLE_TITLES.has(name)
    ? null
    : configOfExample((await load()).default)
}
