/** The server of fedd2s on its own with rows made up, and whole runs in memory. For tests. */
import type { Bundle } from '#protocol/bundle.js'
import { createStreams } from '#protocol/random.js'
import type { RunConfig } from '#protocol/run-config.js'
import { serverSetup } from '#algorithms/from-config.js'
import { architectureOf, architecturesOf } from '#algorithms/methods/fedd2s/architectures.js'
import { fedd2s } from '#algorithms/methods/fedd2s/fedd2s.js'
import type { FedD2SHyper } from '#algorithms/methods/fedd2s/hyper.js'
import { personalIn } from '#algorithms/methods/fedd2s/memory.js'
import { packedRows } from '#algorithms/methods/fedd2s/rows.js'
import { SAMPLES, sentShape, taskOf } from '#algorithms/methods/fedd2s/wire.js'
import type {
  CloseResult,
  Folded,
  GatheredPayload,
  RoundPlan,
  ServerSetup,
} from '#algorithms/methods/method.js'
import { CLIENTS, DEEP, fedd2sSetup, type LabOptions } from './fedd2s-lab.js'
import { runRoundsInMemory, type InMemoryResult, type InMemoryRun } from './run-rounds-in-memory.js'
import { CLASSES, tinyConfig } from './tiny-federation.js'

export const fedd2sConfig = ({ hyper = {}, change = {} }: LabOptions = {}): RunConfig =>
  tinyConfig((base) => ({
    ...{ ...base, model: DEEP, method: { name: 'fedd2s', ...hyper } },
    ...change,
  }))

/** The federation of `CLIENTS`, unless told otherwise. */
export const fedd2sRun = (
  options: LabOptions,
  rest: Partial<Omit<InMemoryRun, 'config'>> = {},
): Promise<InMemoryResult> =>
  runRoundsInMemory({ clients: CLIENTS, ...rest, config: fedd2sConfig(options) })

export interface MadeUp {
  readonly slot: number
  /** One row each. */
  readonly labels: readonly number[]
  readonly seed?: number
}

export function fedd2sServerLab(options: LabOptions = {}) {
  const { hyper } = fedd2sSetup(options)
  const config = fedd2sConfig(options)
  const setup = { ...serverSetup(config), hyper } as ServerSetup<FedD2SHyper>
  const architectures = architecturesOf(setup)
  const server = fedd2s.server(setup)
  const planOf = (state: Bundle): RoundPlan => {
    const plan = server.next(state)
    if (plan === 'done') throw new Error('fedd2s ends by itself')
    return plan
  }
  /** Rows at the plan's cut: clouds around a place of their class, so that there is something to learn. */
  const rowsOf = (plan: RoundPlan, { slot, labels, seed = slot }: MadeUp): GatheredPayload => {
    const { round, cut } = taskOf(plan.task)
    const architecture = architectureOf(architectures, slot)
    const width = sentShape(setup, architectures, { architecture, cut: cut! }).reduce(
      (a, b) => a * b,
    )
    const stream = createStreams(seed)('rows', round, slot)
    const features = Float32Array.from(
      { length: labels.length * width },
      (_, i) =>
        (i % CLASSES.length === labels[Math.floor(i / width)]! ? 1.5 : 0) + stream.uniform(),
    )
    const teacher = Float32Array.from({ length: labels.length * CLASSES.length }, (_, i) =>
      i % CLASSES.length === 0 ? 0.6 : 0.2,
    )
    const own = { labels: Int32Array.from(labels), features, teacher }
    const tensors = packedRows(setup, own, { round, slot })
    return {
      ...{ slot, weight: labels.length },
      tensors: Object.fromEntries(tensors.map((tensor) => [tensor.name, tensor])),
    }
  }
  const close = (state: Bundle, payloads: readonly GatheredPayload[]): Promise<CloseResult> =>
    server.close(state, planOf(state), foldedOf(payloads))
  return {
    ...{ config, setup, architectures, server, planOf, rowsOf, close },
    /** A round with these rows. */
    closeWith: (state: Bundle, rows: readonly MadeUp[]): Promise<CloseResult> =>
      close(
        state,
        rows.map((one) => rowsOf(planOf(state), one)),
      ),
  }
}

/** As the fold yields payloads: in slot order, as often as they are asked for. */
export const foldedOf = (payloads: readonly GatheredPayload[]): Folded => {
  const inOrder = payloads.toSorted((a, b) => a.slot - b.slot)
  return {
    groups: {
      [SAMPLES]: {
        ...{ reduce: 'gather', count: payloads.length },
        async *payloads() {
          yield* inOrder
        },
      },
    },
    reporters: inOrder.map(({ slot }) => slot),
    population: CLIENTS.length,
  }
}

/** A client's own model after a run, as numbers. */
export function ownParams(options: LabOptions, result: InMemoryResult, slot: number): number[] {
  const memory = result.memories.get(slot)
  if (memory === undefined) throw new Error(`Slot ${slot} has no memory`)
  return [...personalIn(architecturesOf(fedd2sSetup(options)), memory).params]
}
