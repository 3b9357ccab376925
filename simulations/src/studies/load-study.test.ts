import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { sha256 } from '#protocol/ids.js'
import { canonicalJson, type JsonObject } from '#protocol/json.js'
import { configHash } from '#protocol/run-config.js'
import { loadExperiment } from '#simulations/experiments.js'
import type { StartOf } from '#simulations/start-from.js'
import { loadStudy, type Study } from './load-study.js'

const root = await mkdtemp(join(tmpdir(), 'tributary-study-'))
afterAll(() => rm(root, { recursive: true, force: true }))
let files = 0
async function fileWith(change: JsonObject): Promise<string> {
  files += 1
  const path = join(root, `${files}.json`)
  const base = {
    name: 'tiny',
    model: { name: 'logistic' },
    method: { name: 'fedprox', mu: 0.5 },
    training: { batchSize: 8, optimizer: { learningRate: 0.05 } },
    data: { name: 'synthetic', path: 'blobs:classes=3:features=4', clients: 3 },
    rounds: 2,
    seed: 5,
  }
  await writeFile(path, JSON.stringify({ ...base, ...change }))
  return path
}
const VARIANTS = {
  fedavg: { method: { name: 'fedavg' } },
  strong: { method: { mu: 2 } },
}
const SETTINGS = { wide: { data: { path: 'blobs:classes=5:features=4' } } }
const placesOf = ({ cells }: Study): readonly string[] =>
  cells.map(({ setting, variant, seed }) => `${setting} ${variant} ${seed}`)

describe('a study', () => {
  it('has a cell for every setting, variant and seed, the base first', async () => {
    const path = await fileWith({ variants: VARIANTS, settings: SETTINGS })
    const study = await loadStudy(path, { seeds: [1, 0] })
    expect(study).toMatchObject({ name: 'tiny', base: 'fedprox', measure: null, seeds: [1, 0] })
    expect(placesOf(study)).toEqual([
      ...['reference fedprox 1', 'reference fedprox 0'],
      ...['reference fedavg 1', 'reference fedavg 0'],
      ...['reference strong 1', 'reference strong 0'],
      ...['wide fedprox 1', 'wide fedprox 0'],
      ...['wide fedavg 1', 'wide fedavg 0'],
      ...['wide strong 1', 'wide strong 0'],
    ])
    const last = study.cells.at(-1)!.config
    expect(last).toMatchObject({
      name: 'tiny/wide/strong',
      method: { name: 'fedprox', mu: 2 },
      seed: 0,
    })
    // A task that nobody wrote is that of the setting's own data.
    expect(last.task.classes).toHaveLength(5)
    expect(study.cells[0]!.config.task.classes).toHaveLength(3)
  })

  it('runs as its base exactly the configuration that a single run or a deployed one has', async () => {
    const path = await fileWith({ variants: VARIANTS, settings: SETTINGS, measure: 'loss' })
    const study = await loadStudy(path)
    expect(study.seeds).toEqual([5])
    expect(study.measure).toBe('loss')
    expect(configHash(study.cells[0]!.config)).toBe(configHash(await loadExperiment(path)))
    expect(new Set(study.cells.map(({ config }) => configHash(config))).size).toBe(6)
  })

  it('has data of its own for each seed where their text asks for it', async () => {
    const data = {
      name: 'synthetic',
      path: 'blobs:classes=3',
      partition: 'dirichlet:1:seed={seed}',
    }
    const { cells } = await loadStudy(await fileWith({ data }), { seeds: [1, 2] })
    expect(cells.map(({ config }) => config.data?.partition)).toEqual([
      ...['dirichlet:1:seed=1', 'dirichlet:1:seed=2'],
    ])
  })

  it('is what the documentation shows', async () => {
    const page = await readFile(new URL('../../../docs/simulations.md', import.meta.url), 'utf8')
    const path = join(root, 'shown.json')
    await writeFile(path, /```json\n([\s\S]*?)```/.exec(page)?.[1] ?? '')
    const study = await loadStudy(path, { seeds: [4] })
    expect(study.cells.map(({ config }) => config.name)).toEqual([
      ...['skewed-digits', 'skewed-digits/fedavg', 'skewed-digits/strong'],
      ...['skewed-digits/alike', 'skewed-digits/alike/fedavg', 'skewed-digits/alike/strong'],
    ])
    expect(study.cells.at(-1)?.config).toMatchObject({
      method: { name: 'fedprox', mu: 1 },
      data: { partition: 'iid:seed=4', clients: 10 },
    })
  })

  it('of a plain experiment is its base', async () => {
    expect(placesOf(await loadStudy(await fileWith({})))).toEqual(['reference fedprox 5'])
  })

  it('takes overrides into the base before the variants change it', async () => {
    const path = await fileWith({ variants: VARIANTS })
    const { cells } = await loadStudy(path, { overrides: ['method.mu=1', 'rounds=7'] })
    expect(cells.map(({ config }) => [config.method, config.rounds])).toEqual([
      [{ name: 'fedprox', mu: 1 }, 7],
      [{ name: 'fedavg' }, 7],
      [{ name: 'fedprox', mu: 2 }, 7],
    ])
  })

  it('can be cut down to some variants, in the order of the file', async () => {
    const path = await fileWith({ variants: VARIANTS })
    expect(placesOf(await loadStudy(path, { only: ['strong', 'fedprox'] }))).toEqual([
      ...['reference fedprox 5', 'reference strong 5'],
    ])
    await expect(loadStudy(path, { only: ['weak'] })).rejects.toMatchObject({
      code: 'config/unknown-name',
      message: "There is no variant 'weak'; there are fedprox, fedavg, strong",
    })
  })

  it('makes what it starts from when everything else is right, and not before', async () => {
    const started: number[] = []
    const startOf: StartOf = (written, { seed }) => {
      started.push(seed)
      return Promise.resolve(sha256(canonicalJson(written)))
    }
    const start = { startFrom: { pretrain: { epochs: 1 } } }
    const wrong = await fileWith({ ...start, variants: { odd: { rounds: 0 } } })
    await expect(loadStudy(wrong, { startOf })).rejects.toMatchObject({ code: 'config/invalid' })
    expect(started).toEqual([])

    const right = await fileWith({ ...start, variants: { fresh: { startFrom: null } } })
    const { cells } = await loadStudy(right, { startOf, seeds: [1, 2] })
    expect(started).toEqual([1, 2])
    const hash = sha256('{"pretrain":{"epochs":1}}')
    expect(cells.map(({ config }) => config.startFrom)).toEqual([hash, hash, null, null])
  })

  it('counts a seed once', async () => {
    expect((await loadStudy(await fileWith({}), { seeds: [2, 2, 3] })).seeds).toEqual([2, 3])
  })
})

describe('a study is refused before anything runs', () => {
  it.each<[string, JsonObject, string, RegExp]>([
    [
      'for a variant with an unknown key',
      { variants: { ...VARIANTS, odd: { method: { mou: 2 } } } },
      'config/invalid',
      /^In variant odd: method\.mou: unknown key, with the value 2; did you mean mu\?/,
    ],
    [
      'for a variant with an unknown method',
      { variants: { odd: { method: { name: 'fedawg' } } } },
      'config/unknown-name',
      /^In variant odd: method\.name: .* did you mean fedavg\?/,
    ],
    [
      'for a setting that no variant can run in',
      { variants: VARIANTS, settings: { ...SETTINGS, odd: { data: { partition: 'shreds:2' } } } },
      'data/bad-partition',
      /^In setting odd: /,
    ],
    [
      'for a variant that is impossible in one setting',
      {
        variants: { scaffold: { method: { name: 'scaffold' } } },
        settings: { fast: { training: { optimizer: { momentum: 0.9 } } } },
      },
      'config/impossible',
      /^In setting fast, variant scaffold: .*momentum/,
    ],
    [
      'for a variant without data',
      { variants: { odd: { data: null } }, task: { inputShape: [4], classes: ['a', 'b'] } },
      'config/invalid',
      /^In variant odd: .*data/,
    ],
    [
      'for a variant with the name of the base',
      { variants: { fedprox: { method: { mu: 2 } } } },
      'config/invalid',
      /^variants\.fedprox: /,
    ],
    [
      'for a setting with the name of the base',
      { settings: { reference: { rounds: 3 } } },
      'config/invalid',
      /^settings\.reference: /,
    ],
    [
      'for a base that is wrong itself',
      { rounds: 0, variants: VARIANTS },
      'config/invalid',
      /^rounds/,
    ],
  ])('%s', async (_, change, code, message) => {
    await expect(loadStudy(await fileWith(change))).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
    })
  })
})
