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
    const wrong = await fileWith({ ...start, variants: { odd: { rounds: -1 } } })
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

describe('a variant that starts from the model of another', () => {
  const calibrated = {
    startFrom: { variant: 'fedavg' },
    rounds: 0,
    calibration: { name: 'ccvr' },
  }
  const evaluation = {
    central: { name: 'synthetic', path: 'blobs:classes=3:features=4' },
    ...{ every: 2, diagnostics: {} },
  }
  const study = (change: JsonObject = {}) =>
    fileWith({
      evaluation,
      model: { name: 'mlp', hidden: [4] },
      variants: { ccvr: { ...calibrated, method: { name: 'fedavg' } }, ...VARIANTS },
      ...change,
    })

  it('comes after that one, wherever it is written, in each setting', async () => {
    const settings = { alike: { data: { partition: 'iid' } } }
    const { cells } = await loadStudy(await study({ settings }), { seeds: [0, 1] })
    expect(cells.filter(({ setting }) => setting === 'alike')).toMatchObject([
      ...[0, 1].map((seed) => ({ variant: 'fedprox', seed, startsFrom: null })),
      ...[0, 1].map((seed) => ({ variant: 'fedavg', seed, startsFrom: null })),
      ...[0, 1].map((seed) => ({ variant: 'ccvr', seed, startsFrom: 'fedavg' })),
      ...[0, 1].map((seed) => ({ variant: 'strong', seed, startsFrom: null })),
    ])
    expect(new Set(cells.map(({ config }) => configHash(config))).size).toBe(16)
  })

  it('is told nothing of training rounds where it has none', async () => {
    const { cells } = await loadStudy(await study())
    const [, trained, ccvr] = cells
    expect(trained?.config.evaluation).toMatchObject({ every: 2, diagnostics: { every: null } })
    expect(ccvr?.config.evaluation).toMatchObject({ every: 1, central: evaluation.central })
    expect(ccvr?.config.evaluation).not.toHaveProperty('diagnostics')
    expect(ccvr?.config).toMatchObject({ rounds: 0, calibration: { name: 'ccvr', when: 'final' } })
  })

  it('can be one of several that hang on each other', async () => {
    const variants = {
      third: { startFrom: { variant: 'second' } },
      second: { startFrom: { variant: 'fedprox' } },
      // Writing one start takes the other away.
      fresh: { startFrom: null },
    }
    const settings = { again: { startFrom: { variant: 'fresh' } } }
    const { cells } = await loadStudy(await fileWith({ variants, settings }))
    expect(cells.map(({ setting, variant, startsFrom }) => [setting, variant, startsFrom])).toEqual(
      [
        ['reference', 'fedprox', null],
        ['reference', 'second', 'fedprox'],
        ['reference', 'third', 'second'],
        ['reference', 'fresh', null],
        ['again', 'fresh', null],
        ['again', 'fedprox', 'fresh'],
        ['again', 'second', 'fedprox'],
        ['again', 'third', 'second'],
      ],
    )
  })

  it('brings that one with it', async () => {
    const path = await study({ settings: { alike: { data: { partition: 'iid' } } } })
    const loaded = await loadStudy(path, { only: ['ccvr'] })
    expect(placesOf(loaded)).toEqual([
      ...['reference fedavg 5', 'reference ccvr 5', 'alike fedavg 5', 'alike ccvr 5'],
    ])
    expect(loaded.variants.map(({ name }) => name)).toEqual(['ccvr', 'fedavg'])
    expect(placesOf(await loadStudy(path, { only: ['strong'] }))).toEqual([
      ...['reference strong 5', 'alike strong 5'],
    ])
  })

  it.each<[string, JsonObject, string, RegExp]>([
    [
      'that there is not',
      { startFrom: { variant: 'fedawg' } },
      'config/unknown-name',
      /^In variant odd: startFrom: there is no variant 'fedawg'; there are fedprox, fedavg, strong, odd$/,
    ],
    [
      'that is itself',
      { startFrom: { variant: 'odd' } },
      'config/invalid',
      /^In variant odd: startFrom: odd starts from odd: nothing can begin$/,
    ],
    [
      'and of something else',
      { startFrom: { variant: 'fedavg', file: 'a' } },
      'config/invalid',
      /^In variant odd: startFrom: expected \{"variant": NAME\}, got /,
    ],
    [
      'that is no name',
      { startFrom: { variant: 3 } },
      'config/invalid',
      /^In variant odd: startFrom: expected \{"variant": NAME\}, got \{"variant":3\}$/,
    ],
    [
      'with another model',
      { startFrom: { variant: 'fedavg' }, model: { name: 'mlp' } },
      'config/impossible',
      /^In variant odd: startFrom: fedavg trains another model.*logistic.*mlp/,
    ],
    [
      'without rounds and without a calibration',
      { startFrom: { variant: 'fedavg' }, rounds: 0 },
      'config/impossible',
      /^In variant odd: .*rounds 0 trains nothing/,
    ],
  ])('%s is refused', async (_, odd, code, message) => {
    const path = await fileWith({ variants: { ...VARIANTS, odd } })
    await expect(loadStudy(path)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
    })
  })

  it('that starts from it in turn is refused, where it happens', async () => {
    const variants = {
      one: { startFrom: { variant: 'two' } },
      two: { startFrom: { variant: 'fedprox' } },
    }
    const settings = { odd: { startFrom: { variant: 'one' } } }
    await expect(loadStudy(await fileWith({ variants, settings }))).rejects.toMatchObject({
      code: 'config/invalid',
      message:
        'In setting odd: startFrom: fedprox starts from one, one starts from two, two starts from fedprox: nothing can begin',
    })
  })

  it('has no meaning in a run of its own', async () => {
    const path = await fileWith({ startFrom: { variant: 'fedavg' } })
    await expect(loadExperiment(path)).rejects.toMatchObject({
      code: 'config/invalid',
      message: expect.stringContaining('in a study {"variant": NAME}') as string,
    })
  })
})

describe('the baseline of a study', () => {
  it('is a variant, or the base by its name', async () => {
    const load = async (baseline: string) =>
      (await loadStudy(await fileWith({ variants: VARIANTS, baseline }))).baseline
    expect(await load('strong')).toBe('strong')
    expect(await load('fedprox')).toBe('fedprox')
    await expect(load('weak')).rejects.toMatchObject({
      code: 'config/unknown-name',
      message: "There is no variant 'weak'; there are fedprox, fedavg, strong",
    })
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
      { rounds: -1, variants: VARIANTS },
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
