/**
 * A method for tests only: clients upload some of their rows, the coordinator answers each with a private bundle, which the
 * client finds in its next task. It proves that payloads of any length, personal bundles and memory that survives a refusal
 * need no special case in a round.
 *
 * Rule: client k sends the first rows of its examples; the coordinator sends back to k the mean row of everyone else;
 *   k keeps in memory how many tasks it has performed, counted even when its update was refused.
 */
import { z } from 'zod'
import { float32Of, makeBundle } from '#protocol/bundle.js'
import type { Bundle } from '#protocol/bundle.js'
import type { Slot } from '#protocol/ids.js'
import type { UplinkGroup } from '#protocol/uplink.js'
import type { Method, ServerHalf, ServerSetup } from '#algorithms/methods/method.js'
import { gatheredGroup } from '#algorithms/methods/update.js'

const rowsGroup = ({ config }: ServerSetup): UplinkGroup => ({
  name: 'rows',
  tensors: [
    { name: 'features', shape: [null, config.task.inputShape[0] ?? 0], dtype: 'float32' },
    { name: 'labels', shape: [null], dtype: 'int32' },
  ],
  reduce: 'gather',
  weight: 'none',
  grid: null,
  privacyClass: 'per-example',
  maxBytes: 4096,
})

function gatherServer(setup: ServerSetup): ServerHalf {
  const width = setup.config.task.inputShape[0] ?? 0
  return {
    init: () => makeBundle([], { rounds: 0, answered: 0 }),
    next: (state) => ({
      purpose: 'train',
      task: { rows: 1 + Number(state.meta['rounds']) },
      shared: makeBundle([]),
      assets: {},
      uplink: [rowsGroup(setup)],
      audience: 'cohort',
    }),
    async close(state, _plan, folded) {
      const sums = new Map<Slot, { readonly sum: Float64Array; readonly count: number }>()
      for await (const { slot, tensors } of gatheredGroup(folded, 'rows').payloads()) {
        sums.set(slot, summed(tensors['features']?.data ?? [], width))
      }
      const personal = new Map(
        [...sums.keys()].map((slot) => [slot, othersMean(sums, slot, width)]),
      )
      const rounds = Number(state.meta['rounds']) + 1
      const answered = Number(state.meta['answered']) + sums.size
      return {
        state: makeBundle([], { rounds, answered }),
        metrics: { members: sums.size },
        personal,
      }
    },
    released: (state) => ({ bundle: state, assets: {}, predicts: false }),
  }
}

function summed(values: ArrayLike<number>, width: number) {
  const sum = new Float64Array(width)
  for (let i = 0; i < values.length; i++) sum[i % width]! += values[i]!
  return { sum, count: values.length / width }
}

function othersMean(
  sums: ReadonlyMap<Slot, { readonly sum: Float64Array; readonly count: number }>,
  slot: Slot,
  width: number,
): Bundle {
  const others = [...sums].filter(([other]) => other !== slot).map(([, entry]) => entry)
  const count = others.reduce((all, entry) => all + entry.count, 0)
  const data = Float32Array.from({ length: width }, (_, f) => {
    return others.reduce((all, entry) => all + entry.sum[f]!, 0) / Math.max(1, count)
  })
  return makeBundle([{ name: 'others', shape: [width], dtype: 'float32', data }])
}

export const gatherMethod: Method = {
  name: 'gather-test',
  hyper: z.strictObject({}),
  releases: 'own',
  requires: () => [],
  reveals: () => ({ classes: ['per-example'], text: 'Some rows of every client, as they are.' }),
  server: gatherServer,
  client: () => ({
    async perform({ task, data, personal, memory }) {
      const { source, indices } = data.train
      const width = source.inputShape[0] ?? 0
      const mine = [...indices.subarray(0, Number(task['rows']))]
      const tasks = Number(memory?.meta['tasks'] ?? 0) + 1
      const features = mine.flatMap((row) => [
        ...source.features.subarray(row * width, (row + 1) * width),
      ])
      return {
        update: {
          rows: [
            {
              name: 'features',
              shape: [mine.length, width],
              dtype: 'float32',
              data: Float32Array.from(features),
            },
            {
              name: 'labels',
              shape: [mine.length],
              dtype: 'int32',
              data: Int32Array.from(mine, (row) => source.labels[row] ?? 0),
            },
          ],
        },
        weight: mine.length,
        metrics: {
          tasks,
          received: personal === null ? -1 : (float32Of(personal, 'others')[0] ?? -1),
        },
        pending: makeBundle([], { tasks }),
      }
    },
    settle: (_memory, pending) => pending,
    predictor: () => null,
  }),
}
