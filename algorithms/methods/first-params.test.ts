import { describe, expect, it } from 'vitest'
import { bundleHash, makeBundle } from '#protocol/bundle.js'
import { createStreams } from '#protocol/random.js'
import type { Hash } from '#protocol/ids.js'
import type { RunConfig } from '#protocol/run-config.js'
import { methodSetup, serverSetup } from '#algorithms/from-config.js'
import { paramsBundle } from '#algorithms/models/params.js'
import { CLASSES, tinyConfig } from '#testing/tiny-federation.js'
import { fedavgServer } from './fedavg/server.js'
import { firstAssets, firstParams, withFirstAssets } from './first-params.js'
import { initialParams } from './global-model.js'

const config = tinyConfig((base) => ({ ...base, model: { name: 'mlp', hidden: [3] } }))
const setup = methodSetup(config)
const { model } = setup
const drawn = (seed: number): Float32Array => model.init(createStreams(seed)('init', 0, 0))
const given = paramsBundle(model, drawn(99))
const startedFrom = (hash: Hash): RunConfig => ({ ...config, startFrom: hash })
const started = methodSetup(startedFrom(bundleHash(given)))

describe('the first params of all clients', () => {
  it('are drawn from the seed of the run, and cost no message', () => {
    expect(firstParams(setup, {})).toEqual(drawn(config.seed))
    expect(firstAssets(setup)).toEqual({})
    const other = methodSetup({ ...config, seed: config.seed + 1 })
    expect(firstParams(other, {})).not.toEqual(drawn(config.seed))
  })

  it('are those of the bundle that the run starts from, which comes as an asset', () => {
    expect(firstAssets(started)).toEqual({ first: bundleHash(given) })
    expect(firstParams(started, { first: given })).toEqual(drawn(99))
  })

  it('take a seeded head where that bundle has one for other classes', () => {
    const others = methodSetup({
      ...config,
      task: { ...config.task, classes: [...CLASSES, 'dog'] },
    })
    const params = others.model.init(createStreams(99)('init', 0, 0))
    const first = firstParams(started, { first: paramsBundle(others.model, params) })
    // dense1: 4 × 3 weights and 3 biases.
    expect(first.subarray(0, 15)).toEqual(params.subarray(0, 15))
    expect(first.subarray(15)).toEqual(drawn(config.seed).subarray(15))
  })

  it('are the same as a server begins with', () => {
    for (const [of, startFrom, assets] of [
      [setup, null, {}],
      [started, given, { first: given }],
    ] as const)
      expect(firstParams(of, assets)).toEqual(initialParams(of, startFrom))
  })

  it('cannot be had without the bundle, nor from that of another model', () => {
    expect(() => firstParams(started, {})).toThrow(
      expect.objectContaining({ code: 'algorithm/failed' }),
    )
    const strange = makeBundle([
      { name: 'dense1/kernel', shape: [1], dtype: 'float32', data: Float32Array.of(1) },
    ])
    expect(() => firstParams(started, { first: strange })).toThrow(
      expect.objectContaining({ code: 'model/does-not-fit' }),
    )
  })
})

describe('a server half with first assets', () => {
  const own = startedFrom(bundleHash(given))
  const half = fedavgServer(serverSetup(own))

  it('names them in its tasks, beside its own, and is the same otherwise', () => {
    const state = half.init(given)
    const [plain, wrapped] = [half.next(state), withFirstAssets(serverSetup(own), half).next(state)]
    if (plain === 'done') throw new Error('nothing to do')
    expect(wrapped).toEqual({ ...plain, assets: { first: bundleHash(given) } })
    const other = { ...half, next: () => ({ ...plain, assets: { more: bundleHash(given) } }) }
    expect(withFirstAssets(serverSetup(own), other).next(state)).toMatchObject({
      assets: { first: bundleHash(given), more: bundleHash(given) },
    })
    expect(withFirstAssets(serverSetup(own), half).released(state)).toEqual(half.released(state))
  })

  it('asks for nothing where the run starts from its seed', () => {
    const seeded = fedavgServer(serverSetup(config))
    const state = seeded.init(null)
    expect(withFirstAssets(serverSetup(config), seeded).next(state)).toEqual(seeded.next(state))
  })

  it('is done when the half is', () => {
    const over = { ...half, next: () => 'done' as const }
    expect(withFirstAssets(serverSetup(own), over).next(half.init(given))).toBe('done')
  })
})
