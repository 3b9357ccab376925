import { beforeAll, describe, expect, it } from 'vitest'
import type { NamedTensor } from '#protocol/bundle.js'
import type { JsonObject } from '#protocol/json.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { sent } from '#testing/fedd2s-lab.js'

describe('rows are refused', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  const changed = async (
    hyper: JsonObject,
    name: string,
    change: (tensor: NamedTensor) => NamedTensor,
  ) => {
    const { payload, read } = await sent(hyper)
    const { tensors } = payload
    return () => read({ tensors: { ...tensors, [name]: change(tensors[name]!) } })
  }
  const filled = (tensor: NamedTensor, at: number, value: number): NamedTensor => {
    const data = tensor.data.slice()
    data[at] = value
    return { ...tensor, data }
  }

  it.each([
    ['a label that there is not', {}, 'labels', /no label 3/, (t: NamedTensor) => filled(t, 2, 3)],
    [
      'features of another shape',
      {},
      'features',
      /Expected 36 values of features, got 30/,
      (t: NamedTensor) => ({ ...t, shape: [6, 5], data: t.data.slice(0, 30) }),
    ],
    [
      'other rows of features than labels',
      {},
      'features',
      /Expected 6 rows of features, got 12/,
      (t: NamedTensor) => ({ ...t, shape: [12, 3] }),
    ],
    [
      'features as another type',
      { quantization: 'float16' },
      'features',
      /not float16/,
      (t: NamedTensor) => ({ ...t, dtype: 'uint16' as const }),
    ],
    [
      'a range that ends before it begins',
      { quantization: 'uint8' },
      'range',
      /range of row 1/,
      (t: NamedTensor) => filled(filled(t, 2, 5), 3, 4),
    ],
    [
      'a teacher that does not sum to 1',
      { serverTeacher: 'local' },
      'teacher',
      /Row 2 of the teacher/,
      (t: NamedTensor) => filled(t, 6, 0.999),
    ],
    [
      'a teacher below 0',
      { serverTeacher: 'local' },
      'teacher',
      /Row 0 of the teacher/,
      (t: NamedTensor) => filled(filled(filled(t, 0, -0.5), 1, 1.5), 2, 0),
    ],
    [
      'two means of a class',
      { rows: 'class-means' },
      'labels',
      /class has two/,
      (t: NamedTensor) => filled(t, 1, t.data[0]!),
    ],
  ])('%s', async (_what, hyper, name, message, change) => {
    const read = await changed(hyper, name, change)
    expect(read).toThrow(expect.objectContaining({ code: 'update/malformed' }))
    expect(read).toThrow(message)
  })

  it('features that are no numbers', async () => {
    const infinite = await changed({}, 'features', (t) => filled(t, 0, Number.NaN))
    expect(infinite).toThrow(expect.objectContaining({ code: 'update/not-finite' }))
  })

  it('another number of rows than weight and settings make', async () => {
    const whole = await sent({})
    expect(() => whole.read({ weight: 7 })).toThrow(/Expected 7 labels, got 6/)
    expect(() => whole.read({ weight: 5 })).toThrow(/Expected 5 labels, got 6/)
    const few = await sent({ maxSamplesPerRound: 4 })
    expect(few.read().rows).toBe(4)
    expect(() => few.read({ weight: 3 })).toThrow(/Expected 3 labels, got 4/)
    const means = await sent({ rows: 'class-means' })
    expect(() => means.read({ weight: 1 })).toThrow(/Expected 1 … 1 class means/)
  })
})
