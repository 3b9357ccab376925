import { describe, expect, it } from 'vitest'
import { encodeBundle, makeBundle, payloadFloat32 } from '#protocol/bundle.js'
import { namedTensors } from '#algorithms/methods/delta.js'
import { extractorOf } from '#algorithms/models/extractor.js'
import { vit } from '#algorithms/models/vit.js'
import { createStreams } from '#algorithms/tensor/stream.js'
import { travelled } from '#testing/run-rounds-in-memory.js'
import { initialPool, poolFloats, poolLayout, poolShapeOf, type PoolShape } from './pool.js'

const site = (id: string, channels: number) => ({
  ...{ id, channels },
  fold: { scale: `${id}/kernel`, shift: `${id}/bias` },
})
const WIDTH = 768
/** ViT-B/16: the patches, six in each of twelve blocks, the last norm. */
const VIT_SITES = [
  site('patch', WIDTH),
  ...Array.from({ length: 12 }, (_, l) => [
    site(`${l}.ln1`, WIDTH),
    site(`${l}.qkv`, 3 * WIDTH),
    site(`${l}.proj`, WIDTH),
    site(`${l}.ln2`, WIDTH),
    site(`${l}.fc1`, 4 * WIDTH),
    site(`${l}.fc2`, WIDTH),
  ]).flat(),
  site('final', WIDTH),
]
const vitPool = (classes: number, options: Partial<PoolShape> = {}): PoolShape => ({
  ...{ entries: 25, sites: VIT_SITES, width: WIDTH, classes, hasKeys: true },
  ...options,
})
const BACKBONE = 85_798_656
const small: PoolShape = {
  ...{ entries: 5, sites: [site('a', 7), site('b', 3)], width: 3, classes: 2, hasKeys: true },
}
const sizeOf = (shape: readonly number[]): number => shape.reduce((all, one) => all * one, 1)

describe('the pool', () => {
  it('I19: numbers of a ViT-B/16’s pool, at 4 bytes each, beside those of the whole network', () => {
    expect(VIT_SITES).toHaveLength(74)
    expect(2 * VIT_SITES.reduce((sum, { channels }) => sum + channels, 0)).toBe(205_824)
    const table = [
      { classes: 100, floats: 7_087_300, megabytes: 28.35, percent: 8.25 },
      { classes: 200, floats: 9_009_800, megabytes: 36.04, percent: 10.48 },
      { classes: 10, floats: 5_357_050, megabytes: 21.43, percent: 6.24 },
    ]
    for (const { classes, floats, megabytes, percent } of table) {
      const shape = vitPool(classes)
      expect(poolFloats(shape)).toBe(floats)
      const { params, parameterCount } = poolLayout(shape)
      expect(parameterCount).toBe(floats)
      expect(params.reduce((sum, param) => sum + sizeOf(param.shape), 0)).toBe(floats)
      expect((4 * floats) / 1e6).toBeCloseTo(megabytes, 2)
      const whole = BACKBONE + classes * WIDTH + classes
      expect((100 * floats) / whole).toBeCloseTo(percent, 2)
    }
    expect(poolFloats(vitPool(200, { entries: 1, hasKeys: false }))).toBe(359_624)
    expect(poolFloats(vitPool(200, { entries: 1, hasKeys: false, sites: [] }))).toBe(153_800)
  })

  it('I19: the sites and the features are those of the model', () => {
    const inputShape = [224, 224, 3]
    const classes = Array.from({ length: 200 }, (_, c) => `class ${c}`)
    const model = vit.build({ inputShape, classes }, vit.options.parse({}))
    const shape = poolShapeOf(model, { poolSize: 25, adapt: 'ssf', routing: 'keys' })
    expect(shape.sites.map(({ id, channels }) => `${id} ${channels}`)).toEqual(
      VIT_SITES.map(({ id, channels }) => `${id} ${channels}`),
    )
    expect(poolFloats(shape)).toBe(9_009_800)
    expect(extractorOf(model).layout.parameterCount).toBe(BACKBONE)
    const headsOnly = poolShapeOf(model, { poolSize: 25, adapt: 'none', routing: 'oracle' })
    expect(poolFloats(headsOnly)).toBe(3_845_000)
  })

  it('I18: to bytes and back it keeps every byte, and has 4 for each number', () => {
    const flat = initialPool(small, createStreams(4)('test', 0, 0))
    const bundle = makeBundle(namedTensors(poolLayout(small), flat))
    const [bytes, again] = [encodeBundle(bundle), travelled(bundle)]
    expect(encodeBundle(again)).toEqual(bytes)
    expect(payloadFloat32(again)).toEqual(flat)
    // 5 · (2 · 10 + 3 + 2 · 3 + 2)
    expect(again.payload).toHaveLength(4 * 155)
    expect(poolFloats(small)).toBe(155)
  })

  it('lies site by site, scale before shift, then keys, weights and biases, one row an entry', () => {
    expect(poolLayout(small).params.map(({ name, shape }) => `${name} ${shape.join('x')}`)).toEqual(
      [
        ...['scale/a 5x7', 'shift/a 5x7', 'scale/b 5x3', 'shift/b 5x3'],
        ...['keys 5x3', 'head/weight 5x2x3', 'head/bias 5x2'],
      ],
    )
  })

  it('is drawn as described: every tensor its own mean and deviation', () => {
    const shape: PoolShape = {
      ...small,
      entries: 300,
      width: 40,
      classes: 5,
      sites: [site('a', 30)],
    }
    const flat = initialPool(shape, createStreams(4)('test', 0, 0))
    const expected = {
      'scale/a': [1, 0.02],
      'shift/a': [0, 0.02],
      keys: [0, 0.02],
      // 2 / (C D) = 0.01
      'head/weight': [0, 0.1],
      'head/bias': [0, 0],
    }
    for (const { name, data } of namedTensors(poolLayout(shape), flat)) {
      const [mean, deviation] = expected[name as keyof typeof expected] as [number, number]
      const values = Array.from(data)
      const average = values.reduce((sum, value) => sum + value, 0) / values.length
      const variance =
        values.reduce((sum, value) => sum + (value - average) ** 2, 0) / values.length
      // Five standard errors of 9,000 draws or more.
      expect(Math.abs(average - mean)).toBeLessThanOrEqual(0.053 * deviation)
      expect(Math.abs(Math.sqrt(variance) - deviation)).toBeLessThanOrEqual(0.04 * deviation)
    }
    // Entries differ: equal ones would stay equal.
    expect(flat.subarray(0, 30)).not.toEqual(flat.subarray(30, 60))
  })

  it('is the same for the same seed only', () => {
    const drawn = (seed: number) => initialPool(small, createStreams(seed)('fedins-pool', 0, 0))
    expect(drawn(1)).toEqual(drawn(1))
    expect(drawn(1)).not.toEqual(drawn(2))
  })
})
