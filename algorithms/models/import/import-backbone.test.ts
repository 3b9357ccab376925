import { beforeAll, describe, expect, it } from 'vitest'
import { decodeBundle, encodeBundle, type Bundle } from '#protocol/bundle.js'
import { toFloat16 } from '#protocol/float16.js'
import { createStreams } from '#protocol/random.js'
import { unwrap } from '#protocol/result.js'
import { naiveFeatures } from '#testing/naive-vit.js'
import { safetensorsFile, type SafeTensorSource } from '#testing/safetensors-file.js'
import { modelOf } from '#algorithms/from-config.js'
import { readModelFile } from '#algorithms/model-file.js'
import { backboneParams, takenOver } from '#algorithms/models/backbone.js'
import { extractorOf } from '#algorithms/models/extractor.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf } from '#algorithms/tensor/tf.js'
import { toTensors } from '../params.js'
import { importBackbone } from './import-backbone.js'
import { readSafetensors, valuesOf } from './safetensors.js'

const SHAPE = [4, 6, 3]
const [PATCH, WIDTH, DEPTH, HEADS] = [2, 6, 2, 3]
const choice = { name: 'vit', patchSize: PATCH, width: WIDTH, depth: DEPTH, heads: HEADS }
const stream = createStreams(31)('test', 0, 0)
const normals = (count: number): Float32Array =>
  Float32Array.from({ length: count }, () => 0.3 * stream.normal())
const f32 = (name: string, ...shape: number[]): SafeTensorSource => ({
  ...{ name, dtype: 'F32', shape },
  data: normals(shape.reduce((product, size) => product * size, 1)),
})

const layer = (name: string, ...shape: number[]): readonly SafeTensorSource[] => [
  f32(`${name}.weight`, ...shape),
  f32(`${name}.bias`, shape[0] ?? 1),
]
/** Shapes as timm writes them, for 4x6 images in patches of 2x2. */
const checkpoint: readonly SafeTensorSource[] = [
  f32('cls_token', 1, 1, 6),
  f32('pos_embed', 1, 7, 6),
  ...layer('patch_embed.proj', 6, 3, 2, 2),
  ...[0, 1].flatMap((i) => [
    ...layer(`blocks.${i}.norm1`, 6),
    ...layer(`blocks.${i}.attn.qkv`, 18, 6),
    ...layer(`blocks.${i}.attn.proj`, 6, 6),
    ...layer(`blocks.${i}.norm2`, 6),
    ...layer(`blocks.${i}.mlp.fc1`, 24, 6),
    ...layer(`blocks.${i}.mlp.fc2`, 6, 24),
  ]),
  ...layer('norm', 6),
  ...layer('head', 5, 6),
]
const request = { model: choice, inputShape: SHAPE }
const without = (name: string) => checkpoint.filter((tensor) => tensor.name !== name)

describe('an imported backbone', () => {
  let bundle: Bundle
  beforeAll(async () => {
    await useBackend('wasm')
    const bytes = encodeBundle(importBackbone(safetensorsFile(checkpoint), request).bundle)
    bundle = unwrap(decodeBundle(bytes))
  })

  it('has the features of plain loops over the file itself', () => {
    const model = modelOf({ model: choice, task: { inputShape: SHAPE, classes: ['a', 'b'] } })
    const extractor = extractorOf(model)
    const image = normals(72).map((value) => 3 * value)
    const found = tf.tidy(() => {
      const tensors = toTensors(extractor.layout, backboneParams(model, bundle))
      return [...extractor.features(tensors, tf.tensor(image, [1, ...SHAPE])).dataSync()]
    })
    const expected = naiveFeatures(
      {
        ...{ patchSize: PATCH, width: WIDTH, depth: DEPTH, heads: HEADS },
        weights: new Map(checkpoint.map(({ name, data }) => [name, data as Float32Array])),
      },
      image,
      SHAPE,
    )
    expect(found).toHaveLength(WIDTH)
    expected.forEach((value, d) => expect(Math.abs(found[d]! - value)).toBeLessThan(1e-5))
  })

  it('says what it is, and is a start whose head is drawn', () => {
    const file = readModelFile(encodeBundle(bundle))
    expect(file.model.name).toBe('vit')
    expect(file.task).toEqual({ inputShape: SHAPE, classes: [] })
    const model = modelOf({ model: choice, task: { inputShape: SHAPE, classes: ['a', 'b'] } })
    const seeded = new Float32Array(model.parameterCount).fill(7)
    const head = takenOver(model, bundle, seeded).slice(-(2 * WIDTH + 2))
    expect(head.every((value) => value === 7)).toBe(true)
  })

  it('reports the classifier of the file as left out', () => {
    const { ignored } = importBackbone(safetensorsFile(checkpoint), request)
    expect(ignored).toEqual(['head.weight', 'head.bias'])
  })

  it.each([
    ['a missing tensor', without('norm.bias'), 'vit needs norm.bias [6], the file has none'],
    [
      'another number of patches',
      [...without('pos_embed'), f32('pos_embed', 1, 5, 6)],
      'vit needs pos_embed [1, 7, 6], the file has [1, 5, 6]',
    ],
    [
      'something that computes something else',
      [...checkpoint, f32('blocks.0.ls1.gamma', 6)],
      'vit of this depth has no place for blocks.0.ls1.gamma',
    ],
  ])('refuses %s', (_, tensors, message) => {
    expect(() => importBackbone(safetensorsFile(tensors), request)).toThrow(
      expect.objectContaining({ code: 'model/does-not-fit', message }),
    )
  })

  it('refuses models that nothing is imported for', () => {
    expect(() =>
      importBackbone(safetensorsFile(checkpoint), { ...request, model: { name: 'mlp' } }),
    ).toThrow('Weights are imported for vit, not for mlp')
  })
})

describe('a safetensors file', () => {
  const values = [1.5, -0.25, 65504, 2 ** -24]
  const [f32s, halves] = [Float32Array.from(values), toFloat16(Float32Array.from(values))]

  it('is read in all three types of weights', () => {
    const upper = Uint16Array.of(0x3fc0, 0xbe80, 0x7f80, 0x0001)
    const file = safetensorsFile([
      { name: 'half', dtype: 'F16', shape: [2, 2], data: halves },
      { name: 'single', dtype: 'F32', shape: [4], data: f32s },
      { name: 'brain', dtype: 'BF16', shape: [4], data: upper },
      { name: 'count', dtype: 'U16', shape: [], data: Uint16Array.of(3) },
    ])
    const tensors = readSafetensors(file)
    expect([...tensors.keys()]).toEqual(['half', 'single', 'brain', 'count'])
    expect(tensors.get('half')!.shape).toEqual([2, 2])
    expect([...valuesOf(tensors.get('half')!)]).toEqual(values)
    expect([...valuesOf(tensors.get('single')!)]).toEqual(values)
    expect([...valuesOf(tensors.get('brain')!)]).toEqual([1.5, -0.25, Infinity, 2 ** -133])
    expect(() => valuesOf(tensors.get('count')!)).toThrow('tensor count is U16')
  })

  const fileWith = (header: string, bytes = 8): Uint8Array => {
    const text = Buffer.from(header)
    const file = Buffer.alloc(8 + text.length + bytes)
    file.writeBigUInt64LE(BigInt(text.length))
    text.copy(file, 8)
    return file
  }
  const entry = (begin: number, end: number, more = '') =>
    `{"dtype":"F32","shape":[${(end - begin) / 4}],"data_offsets":[${begin},${end}]${more}}`

  it('may have padding and texts beside its tensors', () => {
    const header = `{"__metadata__":{"format":"pt"},"a":${entry(0, 8)}}   `
    expect([...readSafetensors(fileWith(header)).keys()]).toEqual(['a'])
  })

  it.each([
    ['no bytes', Buffer.alloc(0), 'it has 0 bytes'],
    ['a header beyond the file', fileWith('{}').subarray(0, 9), 'its header would have 2 bytes'],
    ['a huge header', Buffer.alloc(16, 255), 'its header would have 18446744073709551615 bytes'],
    ['no JSON', fileWith('{'), 'its header is not JSON'],
    ['a list', fileWith('[]'), 'its header is no JSON object'],
    ['another type', fileWith(`{"a":${entry(0, 8).replace('F32', 'F31')}}`), 'tensor a: '],
    ['another key', fileWith(`{"a":${entry(0, 8, ',"x":1')}}`), 'tensor a: '],
    ['metadata of numbers', fileWith('{"__metadata__":{"a":1}}'), '__metadata__ holds'],
    ['a tensor beyond the end', fileWith(`{"a":${entry(0, 12)}}`), 'it claims 0 to 12 of 8'],
    ['a wrong size', fileWith(`{"a":${entry(0, 8).replace('[2]', '[3]')}}`), 'needs 12 bytes'],
    ['overlaps', fileWith(`{"a":${entry(0, 8)},"b":${entry(4, 8)}}`), 'overlaps another or leaves'],
    ['a gap', fileWith(`{"a":${entry(4, 8)}}`), 'overlaps another or leaves a gap'],
    [
      'bytes of no tensor',
      fileWith(`{"a":${entry(0, 4)}}`),
      'its last 4 bytes belong to no tensor',
    ],
  ])('is refused with %s', (_, file, message) => {
    expect(() => readSafetensors(file)).toThrow(
      expect.objectContaining({
        code: 'model/unreadable',
        message: expect.stringContaining(message) as string,
      }),
    )
  })
})
