import { beforeAll, describe, expect, it } from 'vitest'
import { createStreams } from '#protocol/random.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf } from '#algorithms/tensor/tf.js'
import type { Model } from './model.js'
import { toTensors } from './params.js'
import { layoutAbove, layoutBelow, tapsOf } from './taps.js'
import { MODELS } from './zoo.js'

function build(name: string, inputShape: readonly number[], options: object = {}): Model {
  const entry = MODELS.find((one) => one.name === name)!
  return entry.build({ inputShape, classes: ['a', 'b', 'c'] }, entry.options.parse(options))
}
const MODELS_IN_SMALL = [
  ['logistic', build('logistic', [4])],
  ['mlp', build('mlp', [4], { hidden: [6, 5] })],
  ['mlp with a closing norm', build('mlp', [4], { hidden: [6], closingNorm: true })],
  ['lenet', build('lenet', [28, 28, 1])],
  ['cnn', build('cnn', [8, 8, 1])],
  ['gap', build('gap', [8, 8, 1])],
  ['flat', build('flat', [8, 8, 1])],
  ['vit', build('vit', [8, 8, 1], { patchSize: 4, width: 8, depth: 2, heads: 2 })],
] as const

describe('the taps of a model', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it('lie behind every layer that learns, with the pooling and flattening after it', () => {
    expect(tapsOf(build('lenet', [28, 28, 1]))).toEqual([
      { name: 'conv1', depth: 1, blocks: 2, shape: [14, 14, 6] },
      { name: 'conv2', depth: 2, blocks: 5, shape: [400] },
      { name: 'dense1', depth: 3, blocks: 6, shape: [120] },
      { name: 'dense2', depth: 4, blocks: 7, shape: [84] },
      { name: 'head', depth: 5, blocks: 8, shape: [3] },
    ])
  })

  it('do not count what comes before the first of them', () => {
    expect(tapsOf(build('mlp', [2, 2], { hidden: [6, 5] }))).toEqual([
      { name: 'dense1', depth: 1, blocks: 2, shape: [6] },
      { name: 'dense2', depth: 2, blocks: 3, shape: [5] },
      { name: 'head', depth: 3, blocks: 4, shape: [3] },
    ])
    expect(tapsOf(build('logistic', [4])).map(({ name }) => name)).toEqual(['head'])
  })

  it.each(MODELS_IN_SMALL)('of %s end behind the head, with logits', (_, model) => {
    const taps = tapsOf(model)
    expect(taps.at(-1)).toMatchObject({ name: 'head', blocks: model.blocks.length, shape: [3] })
    expect(taps.map(({ depth }) => depth)).toEqual(taps.map((_one, i) => i + 1))
    expect(new Set(taps.map(({ name }) => name)).size).toBe(taps.length)
  })

  it.each(MODELS_IN_SMALL)('cut the params of %s in two, one part after the other', (_, model) => {
    for (const tap of tapsOf(model)) {
      const [below, above] = [layoutBelow(model, tap), layoutAbove(model, tap)]
      expect([...below.params, ...above.params]).toEqual(model.params)
      expect(below.parameterCount + above.parameterCount).toBe(model.parameterCount)
      expect(below.params.at(-1)!.name.startsWith(`${tap.name}/`)).toBe(true)
      expect([below.name, above.name]).toEqual([
        `${model.name} up to ${tap.name}`,
        `${model.name} above ${tap.name}`,
      ])
    }
    expect(layoutAbove(model, tapsOf(model).at(-1)!).parameterCount).toBe(0)
  })

  it.each(MODELS_IN_SMALL)('of %s give the whole model, one half after the other', (_, model) => {
    const streams = createStreams(3)
    const [flat, noise] = [model.init(streams('init', 0, 0)), streams('x', 0, 0)]
    const x = tf.tidy(() =>
      tf.tensor(
        Float32Array.from({ length: 2 * model.inputShape.reduce((a, b) => a * b, 1) }, () =>
          noise.normal(),
        ),
        [2, ...model.inputShape],
      ),
    )
    const params = toTensors(model, flat)
    tf.tidy(() => {
      const whole = model.forward(params, x)
      for (const { blocks, shape } of tapsOf(model)) {
        const activation = model.forward(params, x, { to: blocks })
        expect(activation.shape).toEqual([2, ...shape])
        const logits = model.forward(params, activation, { from: blocks })
        expect([...logits.dataSync()]).toEqual([...whole.dataSync()])
      }
    })
    tf.dispose([x, ...params])
  })
})
