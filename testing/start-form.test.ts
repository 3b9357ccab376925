import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { JsonObject } from '#protocol/json.js'
import { parseRunConfig, runConfigJsonSchema } from '#protocol/run-config.js'
import { configCatalogue } from '#algorithms/catalogue.js'
import { configOfExample, EXAMPLE_TITLES } from '../dashboard/src/pages/start/examples.js'
import { configFromRun } from '../dashboard/src/pages/start/form/config-data.js'
import { formSchemaOf, type FormSchema } from '../dashboard/src/pages/start/form/form-schema.js'

const catalogue = configCatalogue()
const schema = formSchemaOf(runConfigJsonSchema(catalogue))
/** Every node, with its path. */
function nodes(node: FormSchema, path = ''): readonly (readonly [string, FormSchema])[] {
  const inner = [
    ...Object.entries(node.properties ?? {}),
    ...Object.entries(node['x-variants'] ?? {}).map(([name, one]) => [`(${name})`, one] as const),
    ...(node.items === undefined ? [] : [['[]', node.items] as const]),
  ]
  return [[path, node], ...inner.flatMap(([key, one]) => nodes(one, `${path}.${key}`))]
}

describe('the form that starts a run, from the schema that coordinators tell', () => {
  it('has a field for every setting, with a description, and JSON for lists of models alone', () => {
    const all = nodes(schema)
    const isSetting = ([path]: readonly [string, FormSchema]): boolean =>
      path !== '' && !path.endsWith(')') && !path.endsWith('[]')
    const silent = all.filter((one) => isSetting(one) && one[1].description === undefined)
    expect(silent.map(([path]) => path)).toEqual([])
    const asJson = all.filter(([, node]) => node['x-field'] === 'json')
    expect(asJson.map(([path]) => path)).toEqual(['.method.(fedd2s).otherModels'])
    expect(all.length).toBeGreaterThan(150)
  })
  it.each([...EXAMPLE_TITLES.keys()])('begins with %s, which coordinators take', async (name) => {
    const path = join(import.meta.dirname, `../simulations/experiments/${name}.json`)
    const config = configOfExample(JSON.parse(await readFile(path, 'utf8')) as JsonObject)
    const parsed = parseRunConfig(config, catalogue)
    if (!parsed.ok) throw parsed.error
    // What begins with a run is the run again, and short.
    const short = configFromRun(parsed.value, schema)
    const again = parseRunConfig(short, catalogue)
    expect(again.ok && again.value).toEqual(parsed.value)
    expect(JSON.stringify(short).length).toBeLessThan(JSON.stringify(parsed.value).length / 2)
  })
})
