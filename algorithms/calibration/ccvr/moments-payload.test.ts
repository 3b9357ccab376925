/** Moments that cannot be those of anyone's examples never enter the statistics of all. */
import { beforeAll, describe, expect, it } from 'vitest'
import { makeBundle, tensorOf } from '#protocol/bundle.js'
import type { Bundle } from '#protocol/bundle.js'
import type { JsonObject } from '#protocol/json.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import {
  clientOf,
  foldedOf,
  gaussianRows,
  labSetup,
  statisticsRound,
  streamOf,
} from '#testing/ccvr-lab.js'
import { readStatistics } from './gathered.js'
import { MOMENTS, SUMS } from './uplink.js'

/** Two examples of each of three classes. */
const holder = (seed: number) => ({
  rows: gaussianRows(streamOf(seed), 6, 3),
  labels: [0, 0, 1, 1, 2, 2],
})
const people = [holder(1), holder(2), holder(3), holder(4)]

beforeAll(async () => void (await useBackend('cpu')))

describe('a client whose statistics cannot be true', () => {
  type Change = (data: Record<string, number[]>) => void
  /** Slot 3 changes what it sends; `rows` says how many rows its tensors have then. */
  async function lying(change: Change, hyper: JsonObject = {}) {
    const setup = labSetup(hyper)
    const round = await statisticsRound(
      setup,
      people.map((client) => clientOf(client, setup)),
    )
    const updates = round.updates.map((update, slot) =>
      slot === 3 ? changed(update, change) : update,
    )
    const members = updates.map((update, slot) => ({
      slot,
      weight: round.results[slot]!.weight,
      update,
    }))
    return readStatistics(setup, foldedOf(setup, round.plan, members), round.plan)
  }
  function changed(update: Bundle, change: Change): Bundle {
    const tensors = update.tensors.map(({ name }) => tensorOf(update, name))
    const data = Object.fromEntries(
      tensors.map((tensor) => [tensor.name.replace(`${MOMENTS}/`, ''), [...tensor.data]]),
    )
    change(data)
    return makeBundle(
      tensors.map((tensor) => {
        const values = data[tensor.name.replace(`${MOMENTS}/`, '')]!
        const width = tensor.shape.slice(1).reduce((all, one) => all * one, 1)
        const own = tensor.dtype === 'int32' ? Int32Array.from(values) : Float64Array.from(values)
        return { ...tensor, shape: [values.length / width, ...tensor.shape.slice(1)], data: own }
      }),
    )
  }

  it.each<[string, RegExp, Change]>([
    ['a label beyond the classes', /there are 4 classes/, ({ labels }) => (labels![2] = 4)],
    ['a negative label', /does not come after/, ({ labels }) => (labels![0] = -1)],
    ['labels that do not ascend', /does not come after 1/, ({ labels }) => (labels![2] = 1)],
    ['half an example', /a count of 1\.5/, ({ counts }) => (counts![0] = 1.5)],
    ['no example', /a count of 0/, ({ counts }) => (counts![1] = 0)],
    ['more examples than it has', /examples in its classes/, ({ counts }) => (counts![1]! += 1)],
    ['a negative variance', /variance that is negative/, ({ scatters }) => (scatters![2] = -1e-9)],
    ['a mean without bounds', /without bounds/, ({ means }) => (means![0] = 1e300)],
    ['numbers that overflow', /beyond all numbers/, ({ means }) => (means![0] = 1.3e154)],
    ['rows that are not there', /3 labels and 2 rows of counts/, ({ counts }) => counts!.pop()],
  ])('is refused by its slot: %s', async (_name, message, change) => {
    await expect(lying(() => undefined)).resolves.toBeDefined()
    await expect(lying(change)).rejects.toMatchObject({ code: 'update/malformed' })
    await expect(lying(change)).rejects.toThrow(/slot 3 cannot be true/)
    await expect(lying(change)).rejects.toThrow(message)
  })

  it('is refused with a mean longer than features were clipped to', async () => {
    await expect(lying(({ means }) => (means![0] = 2.1), { clipNorm: 2 })).rejects.toThrow(
      /a mean of length 2\.\d/,
    )
  })

  it('is refused with a scatter of one example', async () => {
    const setup = labSetup()
    const client = clientOf({ rows: [[1, 2, 3]], labels: [0] }, setup)
    const { plan, updates } = await statisticsRound(setup, [client])
    const update = changed(updates[0]!, ({ scatters }) => (scatters![0] = 1))
    const folded = foldedOf(setup, plan, [{ slot: 8, weight: 1, update }])
    await expect(readStatistics(setup, folded, plan)).rejects.toThrow(
      /slot 8 .*a scatter of one example/,
    )
  })

  it('with sums of half an example, is one among all', async () => {
    const setup = labSetup({ statistics: 'sums-one-round', clipNorm: 9 })
    const { plan, updates } = await statisticsRound(setup, [clientOf(holder(1), setup)])
    const counts = tensorOf(updates[0]!, `${SUMS}/counts`).data
    counts[1] = 0.5
    const folded = foldedOf(setup, plan, [{ slot: 0, weight: 1, update: updates[0]! }])
    await expect(readStatistics(setup, folded, plan)).rejects.toMatchObject({
      code: 'update/malformed',
    })
  })
})
