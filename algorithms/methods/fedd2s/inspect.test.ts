import { beforeAll, describe, expect, it } from 'vitest'
import { makeBundle, type NamedTensor } from '#protocol/bundle.js'
import { uplinkName } from '#protocol/uplink.js'
import { createProgram } from '#algorithms/programs/create-program.js'
import { receiveUpdate } from '#algorithms/methods/update.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { fedd2sLab, type LabOptions } from '#testing/fedd2s-lab.js'
import { fedd2sRun, fedd2sServerLab } from '#testing/fedd2s-rounds.js'
import { SAMPLES } from './wire.js'

type Tensors = Readonly<Record<string, NamedTensor>>
type Change = (tensors: Tensors) => Tensors

const LABELS = [0, 1, 2, 0]

/** What becomes of an update with these changes, first by its declaration, then by what is known of its sender. */
function verdictOn(change: Change, options: LabOptions = {}, { slot = 0, weight = 4 } = {}) {
  const lab = fedd2sServerLab(options)
  const program = createProgram(lab.config)
  const plan = program.next(program.observe(program.init(null), {}))
  if (plan === 'done') throw new Error('the run is over before it began')
  const { tensors } = lab.rowsOf(plan, { slot, labels: LABELS })
  const update = makeBundle(
    Object.values(change(tensors)).map((tensor) => ({
      ...tensor,
      name: uplinkName(SAMPLES, tensor.name),
    })),
  )
  const { maxExamples } = lab.config.aggregation
  const received = receiveUpdate(update, weight, { uplink: plan.uplink, maxExamples })
  if (!received.ok) return received.error.code
  return program.inspect(plan, received.value, { slot, weight })?.code ?? 'counts'
}

const withData =
  (name: string, data: NamedTensor['data'], shape?: readonly number[]): Change =>
  (tensors) => ({
    ...tensors,
    [name]: { ...tensors[name]!, data, ...(shape === undefined ? {} : { shape }) },
  })
const features = (values: (i: number) => number, width = 4, rows = 4): Change =>
  withData(
    'features',
    Float32Array.from({ length: rows * width }, (_, i) => values(i)),
    [rows, width],
  )
const UNEVEN = { otherModels: [{ name: 'mlp', hidden: [6, 5, 7] }] }

describe('an update that cannot be true', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it('D8: counts as it is made', () => {
    expect(verdictOn((tensors) => tensors)).toBe('counts')
    expect(verdictOn((tensors) => tensors, { hyper: UNEVEN }, { slot: 1, weight: 4 })).toBe(
      'counts',
    )
    for (const quantization of ['float16', 'uint8'])
      expect(verdictOn((tensors) => tensors, { hyper: { quantization } })).toBe('counts')
  })

  it.each<[string, Change, string]>([
    ['features of another width', features(() => 1, 5), 'update/malformed'],
    [
      'a feature that is not finite',
      features((i) => (i === 3 ? Number.NaN : 1)),
      'update/not-finite',
    ],
    [
      'an infinite feature',
      features((i) => (i ? 1 : Number.POSITIVE_INFINITY)),
      'update/not-finite',
    ],
    ['a feature beyond all bounds', features((i) => (i === 5 ? -1e6 : 1)), 'update/out-of-range'],
    ['fewer features than labels', features(() => 1, 4, 3), 'update/malformed'],
    [
      'a label that there is not',
      withData('labels', Uint8Array.of(0, 1, 3, 0)),
      'update/malformed',
    ],
    ['more labels than features', withData('labels', new Uint8Array(5), [5]), 'update/malformed'],
    ['fewer labels than features', withData('labels', new Uint8Array(3), [3]), 'update/malformed'],
    [
      'no rows',
      (all) => withData('labels', new Uint8Array(0), [0])(features(() => 1, 4, 0)(all)),
      'update/malformed',
    ],
    [
      'labels of another type',
      (all) => ({
        ...all,
        labels: { ...all['labels']!, dtype: 'int32', data: Int32Array.of(0, 1, 2, 0) },
      }),
      'update/malformed',
    ],
    [
      'a tensor that was not asked for',
      (all) => ({ ...all, ids: { ...all['labels']!, name: 'ids' } }),
      'update/malformed',
    ],
  ])('D8: with %s is refused', (_name, change, code) => {
    expect(verdictOn(change)).toBe(code)
  })

  it('D8: of another number of rows than its weight is refused', () => {
    expect(verdictOn((tensors) => tensors, {}, { slot: 0, weight: 5 })).toBe('update/malformed')
    const most = { hyper: { maxSamplesPerRound: 4 } }
    expect(verdictOn((tensors) => tensors, most, { slot: 0, weight: 50 })).toBe('counts')
    expect(verdictOn((tensors) => tensors, most, { slot: 0, weight: 3 })).toBe('update/malformed')
  })

  it('D8: with rows of another architecture than its slot’s is refused', () => {
    const options = { hyper: UNEVEN }
    expect(
      verdictOn(
        features(() => 1, 7),
        options,
      ),
    ).toBe('update/malformed')
    expect(
      verdictOn(
        features(() => 1, 7),
        options,
        { slot: 1, weight: 4 },
      ),
    ).toBe('counts')
    // As many numbers as there should be, in rows of another width.
    expect(
      verdictOn(
        features(() => 1, 2, 8),
        options,
      ),
    ).toBe('update/malformed')
  })

  it.each([
    ['that is no distribution', (i: number) => (i === 0 ? 0.9 : 0.2)],
    ['with negative numbers', (i: number) => [1.5, -0.5, 0][i % 3]!],
  ])('D8: with a teacher %s is refused', (_name, value) => {
    const teacher = Float32Array.from({ length: 12 }, (_, i) => value(i))
    const hyper = { serverTeacher: 'local' }
    expect(verdictOn((tensors) => tensors, { hyper })).toBe('counts')
    expect(verdictOn(withData('teacher', teacher), { hyper })).toBe('update/malformed')
  })

  it('D8: with a range that ends before it begins is refused', () => {
    const hyper = { quantization: 'uint8' }
    const range = Float32Array.of(0, 1, 0, 1, 2, 1, 0, 1)
    expect(verdictOn(withData('range', range), { hyper })).toBe('update/malformed')
  })

  it('D8: with means of classes in disorder is refused', () => {
    const hyper = { rows: 'class-means' }
    const three = features(() => 1, 4, 3)
    const labelled =
      (...labels: number[]): Change =>
      (all) =>
        withData('labels', Uint8Array.from(labels), [3])(three(all))
    expect(verdictOn(labelled(0, 1, 2), { hyper })).toBe('counts')
    expect(verdictOn(labelled(0, 2, 1), { hyper })).toBe('update/malformed')
    expect(verdictOn(labelled(0, 1, 1), { hyper })).toBe('update/malformed')
  })

  it('D8: of a task without a cut, nothing is looked at', () => {
    const { server, planOf } = fedd2sServerLab({ hyper: { stopFederationAfter: 1 } })
    const init = server.init(null)
    const task = { ...planOf(init).task, cut: null }
    expect(() => server.inspect!({ plan: { task, uplink: [] }, payloads: {} })).not.toThrow()
  })

  it('D8: of which one is refused, the round goes on without it', async () => {
    const { rounds } = await fedd2sRun(
      {},
      { fateOf: (round, slot) => (round === 1 && slot === 1 ? 'refused' : 'accepted') },
    )
    expect(rounds[0]!.reporters).toEqual([0, 2])
    expect(rounds[0]!.metrics['samples']).toBe(8)
    expect(rounds[1]!.metrics['samples']).toBe(14)
  })

  it('what a client of ours sends is never refused', async () => {
    for (const hyper of [
      {},
      { rows: 'class-means', quantization: 'uint8' },
      { maxSamplesPerRound: 4, quantization: 'float16', serverTeacher: 'local' },
      { clipNorm: 1, noise: 0.5 },
      { ...UNEVEN, adapter: 'linear' },
    ]) {
      const client = fedd2sLab({ hyper })
      const { server } = fedd2sServerLab({ hyper })
      const { update, weight } = await client.perform()
      const payload = {
        ...{ slot: 1, weight },
        tensors: Object.fromEntries(update[SAMPLES]!.map((tensor) => [tensor.name, tensor])),
      }
      const { task, uplink } = client.inputOf()
      const arrived = { plan: { task, uplink }, payloads: { [SAMPLES]: payload } }
      expect(() => server.inspect!(arrived), JSON.stringify(hyper)).not.toThrow()
    }
  })
})
