import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { encodeBundle } from '#protocol/bundle.js'
import { modelOf } from '#algorithms/from-config.js'
import { labelParams } from '#algorithms/model-file.js'
import { withFeaturePower } from '#algorithms/models/feature-power.js'
import { paramsBundle } from '#algorithms/models/params.js'
import { tinyConfig } from '#testing/tiny-federation.js'
import { endAll, tributary } from './harness.js'

let cwd: string
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'tributary-e2e-'))
})
afterEach(endAll)
afterAll(() => rm(cwd, { recursive: true, force: true }))

describe('commands that look at things', () => {
  it('doctor says which backends work, and of each other one why not', async () => {
    const { status, result } = await tributary(['doctor'], { cwd })
    expect(status).toBe(0)
    const backends = result['backends'] as readonly {
      name: string
      state: string
      reason: string
    }[]
    expect(backends.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['cuda', 'webgpu', 'native', 'wasm', 'cpu']),
    )
    for (const { reason } of backends) expect(reason).not.toBe('')
    expect(backends.filter(({ name }) => name === 'wasm' || name === 'cpu')).toEqual([
      expect.objectContaining({ state: 'ready' }),
      expect.objectContaining({ state: 'ready' }),
    ])
    expect(result).toMatchObject({
      cpu: { cores: expect.any(Number) as number },
      node: process.version,
    })
  })

  it('models inspect counts the parameters of the paper’s cnn', async () => {
    const { result } = await tributary(['models', 'inspect', 'cnn'], { cwd })
    expect(result).toMatchObject({ event: 'models:inspect:finished', parameters: 1_663_370 })
  })

  it('models inspect tells of a power of features that a calibration put before the head', async () => {
    const config = tinyConfig((base) => ({ ...base, model: { name: 'mlp', hidden: [3] } }))
    const params = paramsBundle(modelOf(config), new Float32Array(modelOf(config).parameterCount))
    const calibrated = withFeaturePower(labelParams(params, config), 0.5)
    const plain = labelParams(params, config)
    for (const [name, bundle] of Object.entries({ calibrated, plain }))
      await writeFile(join(cwd, `${name}.bundle`), encodeBundle(bundle))
    const powers = ['calibrated.bundle', 'plain.bundle'].map(async (file) => {
      const { result } = await tributary(['models', 'inspect', file], { cwd })
      return result['featurePower']
    })
    expect(await Promise.all(powers)).toEqual([0.5, null])
  })

  it('data inspect and data partition tell what is there and how it is shared out', async () => {
    const inspected = await tributary(['data', 'inspect', 'mnist', '--split', 'test'], { cwd })
    expect(inspected.result).toMatchObject({
      count: 10_000,
      inputShape: [28, 28, 1],
      min: 0,
      max: 1,
    })
    const parts = await tributary(['data', 'partition', 'mnist', '--clients', '4'], { cwd })
    const clients = parts.result['clients'] as readonly { total: number }[]
    expect(clients).toHaveLength(4)
    expect(clients.reduce((sum, { total }) => sum + total, 0)).toBe(60_000)
    expect(parts.result).not.toHaveProperty('leftOver')
    const spec = ['--partition', 'label-skew:0.1:min=20:max=20', '--clients', '3']
    const some = await tributary(['data', 'partition', 'synthetic:count=90', ...spec], { cwd })
    expect(some.result['leftOver']).toMatchObject({ total: 30 })
  })

  it('simulate with the backend left to auto says what it measured, and records what it chose', async () => {
    const options = { cwd, env: { XDG_CACHE_HOME: cwd } }
    const small = [
      'compute.backend=auto',
      'rounds=1',
      'data.limit=500',
      'evaluation.central.limit=100',
    ]
    const args = ['simulate', 'mnist-fedavg-dirichlet', '--workers', '0', '--set', ...small]
    const { lines, status } = await tributary(args, options)
    expect(status).toBe(0)
    const choice = lines.find((line) => line['event'] === 'backend:chosen')
    expect(['native', 'wasm', 'cuda']).toContain(choice?.['chosen'])
    expect(choice).toMatchObject({ remembered: false })
    const again = await tributary(args, options)
    expect(again.lines.find((line) => line['event'] === 'backend:chosen')).toMatchObject({
      chosen: choice?.['chosen'],
      remembered: true,
    })
  })
})
