import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { sha256 } from '#protocol/ids.js'
import { assertPossible } from '#algorithms/from-config.js'
import { listExperiments, loadExperiment, readConfigInput, readExperiment } from './experiments.js'
import { loadStudy } from './studies/load-study.js'
import { isStudy } from './studies/study-file.js'

const root = await mkdtemp(join(tmpdir(), 'tributary-experiments-'))
afterAll(() => rm(root, { recursive: true, force: true }))
const fileWith = async (name: string, text: string): Promise<string> => {
  const path = join(root, name)
  await writeFile(path, text)
  return path
}

const names = await listExperiments()

describe('shipped experiments', () => {
  // Whatever they start from takes minutes to make.
  const startOf = () => Promise.resolve(sha256(''))
  it.each(names)('%s is a complete, possible configuration of its own name', async (name) => {
    const config = await loadExperiment(name, [], { startOf })
    expect(config.name).toBe(name)
    expect(config.compute.backend).not.toBe('auto')
    assertPossible(config)
  })
  it.each(names)('%s has no variant or setting that is impossible', async (name) => {
    if (!isStudy(await readExperiment(name))) return
    const { cells } = await loadStudy(name, { startOf })
    for (const { config } of cells) expect(config.compute.backend).not.toBe('auto')
  })
  // Attention and wide convolutions are too slow on wasm for a study of minutes; docs/methods says what to install.
  const needNative = ['fedins-vit-tiny', 'ccvr-fashion-mnist-cnn']
  it.each(names.filter((name) => !needNative.includes(name)))(
    '%s needs nothing that is not installed with the package',
    async (name) => {
      const { compute } = await loadExperiment(name, [], { startOf })
      expect(compute.backend).toBe('wasm')
    },
  )
  it('include the main one', async () => {
    expect(await listExperiments()).toContain('mnist-fedavg-dirichlet')
  })
})

describe('a configuration', () => {
  it('is read from a file, with overrides at any depth', async () => {
    const path = await fileWith('a.json', '{"rounds": 3, "training": {"batchSize": 8}}')
    const input = await readConfigInput(path, [
      'rounds=5',
      'training.localEpochs=2',
      'name=my run',
      'cohort.all=true',
    ])
    expect(input).toEqual({
      name: 'my run',
      rounds: 5,
      training: { batchSize: 8, localEpochs: 2 },
      cohort: { all: true },
    })
  })
  it('takes the task from its data where it states none', async () => {
    const data = { name: 'synthetic', path: 'blobs:classes=3:features=5', clients: 2 }
    const path = await fileWith('b.json', JSON.stringify({ model: { name: 'logistic' }, data }))
    expect((await loadExperiment(path)).task).toEqual({ inputShape: [5], classes: ['0', '1', '2'] })
  })
  it('of a study is the base', async () => {
    const study = {
      ...{ rounds: 3, measure: 'loss' },
      variants: { short: { rounds: 1 } },
      settings: { long: { rounds: 9 } },
    }
    const path = await fileWith('s.json', JSON.stringify(study))
    expect(await readConfigInput(path)).toEqual({ rounds: 3 })
    expect(await readExperiment(path, ['rounds=4'])).toEqual({ ...study, rounds: 4 })
  })
  it('puts its seed where its texts ask for it', async () => {
    const path = await fileWith(
      'seed.json',
      JSON.stringify({
        model: { name: 'logistic' },
        data: { name: 'synthetic', path: 'blobs:seed={seed}', partition: 'iid:seed={seed}' },
      }),
    )
    const data = { path: 'blobs:seed=5', partition: 'iid:seed=5' }
    expect((await loadExperiment(path, ['seed=5'])).data).toMatchObject(data)
    // A deployed run is made of what was written.
    expect((await readConfigInput(path, ['seed=5']))['data']).toMatchObject(data)
  })
  it('cannot smuggle in a prototype', async () => {
    const path = await fileWith('c.json', '{"model": {"name": "logistic"}}')
    await expect(loadExperiment(path, ['__proto__.polluted=1'])).rejects.toMatchObject({
      code: 'config/invalid',
    })
    expect('polluted' in {}).toBe(false)
  })
  it.each([
    ['no-such-experiment', 'config/unknown-name', /mnist-fedavg-dirichlet/],
    ['./no-such-file.json', 'config/unreadable', /ENOENT/],
  ])('%s is refused', async (name, code, message) => {
    await expect(readConfigInput(name)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
    })
  })
  it('that is not JSON, no object, or overridden without a value is refused', async () => {
    await expect(readConfigInput(await fileWith('d.json', '{'))).rejects.toMatchObject({
      code: 'config/unreadable',
    })
    await expect(readConfigInput(await fileWith('e.json', '[]'))).rejects.toMatchObject({
      code: 'config/unreadable',
    })
    await expect(readConfigInput(await fileWith('f.json', '{}'), ['rounds'])).rejects.toMatchObject(
      { code: 'usage/bad-value' },
    )
  })
})
