import { describe, expect, it } from 'vitest'
import { createStreams } from '#protocol/random.js'
import { naiveFeatures } from '#testing/naive-vit.js'
import { describeOnBackends } from '#testing/on-backends.js'
import { tf } from '#algorithms/tensor/tf.js'
import { extractorOf } from './extractor.js'
import type { Model } from './model.js'
import { paramPlaces, toTensors } from './params.js'
import { vit } from './vit.js'

const build = (inputShape: readonly number[], options: object = {}): Model =>
  vit.build({ inputShape, classes: ['a', 'b', 'c'] }, vit.options.parse(options))

const [PATCH, WIDTH, DEPTH, HEADS] = [2, 6, 2, 3]
const SHAPE = [4, 6, 2]
const tiny = build(SHAPE, { patchSize: PATCH, width: WIDTH, depth: DEPTH, heads: HEADS })

describe('ViT-B/16 at 224x224x3', () => {
  const model = build([224, 224, 3])

  it('has the parameters, sites and channels of the paper', () => {
    expect(extractorOf(model).layout.parameterCount).toBe(85_798_656)
    expect(extractorOf(model).width).toBe(768)
    expect(model.sites).toHaveLength(74)
    expect(model.sites.reduce((sum, { channels }) => sum + channels, 0)).toBe(102_912)
  })

  it('has its sites in the order of the ops', () => {
    const inBlock = (i: number) => [
      [`${i}.ln1`, 768],
      [`${i}.qkv`, 2304],
      [`${i}.proj`, 768],
      [`${i}.ln2`, 768],
      [`${i}.fc1`, 3072],
      [`${i}.fc2`, 768],
    ]
    const blocks = Array.from({ length: 12 }, (_, i) => inBlock(i)).flat()
    expect(model.sites.map(({ id, channels }) => [id, channels])).toEqual([
      ['patch', 768],
      ...blocks,
      ['final', 768],
    ])
  })

  it('has sites whose channels are those of the params they fold into', () => {
    const shapes = new Map(model.params.map(({ name, shape }) => [name, shape]))
    for (const { channels, fold } of model.sites) {
      expect(shapes.get(fold.scale)?.at(-1)).toBe(channels)
      expect(shapes.get(fold.shift)).toEqual([channels])
    }
  })
})

/** Our params under the names and in the layout that the reference reads. */
function asReference(params: Float32Array): Map<string, ArrayLike<number>> {
  const weights = new Map<string, ArrayLike<number>>()
  const tensors = toTensors(tiny, params)
  tensors.forEach((tensor, i) => {
    const { name } = tiny.params[i]!
    const [, block, op = '', kind = ''] = /^block(\d+)\/(\w+)\/(\w+)$/.exec(name) ?? []
    const to = block === undefined ? OTHERS[name]! : `blocks.${block}.${OPS[op]!}.${KINDS[kind]!}`
    const turned =
      name === 'patch/kernel'
        ? tf.transpose(tensor, [3, 2, 0, 1])
        : kind === 'kernel'
          ? tf.transpose(tensor)
          : tensor
    weights.set(to, turned.dataSync())
  })
  tf.dispose(tensors)
  return weights
}
const OPS: Readonly<Record<string, string>> = {
  ...{ ln1: 'norm1', qkv: 'attn.qkv', proj: 'attn.proj' },
  ...{ ln2: 'norm2', fc1: 'mlp.fc1', fc2: 'mlp.fc2' },
}
const KINDS: Readonly<Record<string, string>> = {
  ...{ kernel: 'weight', bias: 'bias', scale: 'weight', shift: 'bias' },
}
const OTHERS: Readonly<Record<string, string>> = {
  'patch/kernel': 'patch_embed.proj.weight',
  'patch/bias': 'patch_embed.proj.bias',
  'patch/cls': 'cls_token',
  'patch/pos': 'pos_embed',
  'final/scale': 'norm.weight',
  'final/shift': 'norm.bias',
  'head/kernel': 'head.weight',
  'head/bias': 'head.bias',
}

describe('a small vit', () => {
  it('starts with a class token of zeros and small positions', () => {
    const params = tiny.init(createStreams(1)('init', 0, 0))
    const valuesOf = (wanted: string): Float32Array => {
      const { offset, size } = paramPlaces(tiny).find(({ name }) => name === wanted)!
      return params.subarray(offset, offset + size)
    }
    expect([...valuesOf('patch/cls')]).toEqual(Array(WIDTH).fill(0))
    const positions = valuesOf('patch/pos')
    const deviation = Math.sqrt(positions.reduce((all, x) => all + x * x, 0) / positions.length)
    expect(Math.abs(deviation - 0.02)).toBeLessThan(0.006)
  })

  it('refuses images that patches do not fill and widths that heads cannot share', () => {
    expect(() => build([28, 28, 1])).toThrow(
      'Block patch cuts images into patches of 16x16, got inputs of shape [28, 28, 1]',
    )
    expect(() => build(SHAPE, { patchSize: 2, width: 8, heads: 3 })).toThrow(
      expect.objectContaining({ code: 'model/does-not-fit' }),
    )
  })
})

describeOnBackends('the forward pass of vit', () => {
  it('is that of plain loops', () => {
    const stream = createStreams(5)('test', 0, 0)
    const params = Float32Array.from({ length: tiny.parameterCount }, () => 0.3 * stream.normal())
    const images = [0, 1].map(() => Float32Array.from({ length: 48 }, () => stream.normal()))
    const weights = asReference(params)
    const features = tf.tidy(() => {
      const tensors = toTensors(tiny, params)
      const x = tf.tensor(
        images.flatMap((image) => [...image]),
        [2, ...SHAPE],
      )
      return tiny.forward(tensors, x, { to: tiny.blocks.length - 1 }).arraySync() as number[][]
    })
    images.forEach((image, i) => {
      const expected = naiveFeatures(
        { patchSize: PATCH, width: WIDTH, depth: DEPTH, heads: HEADS, weights },
        image,
        SHAPE,
      )
      expected.forEach((value, d) => expect(Math.abs(features[i]![d]! - value)).toBeLessThan(1e-5))
    })
  })
})
