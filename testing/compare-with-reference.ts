/** Runs a configuration twice, on the platform and on the naive oracle, and returns the params after every round of both. */
import { payloadFloat32 } from '#protocol/bundle.js'
import type { Bundle } from '#protocol/bundle.js'
import { createStreams } from '#protocol/random.js'
import type { RunConfig } from '#protocol/run-config.js'
import type { ClientData } from '#data/dataset.js'
import { modelOf } from '#algorithms/from-config.js'
import { runReference } from './reference.js'
import type { ReferenceRun } from './reference.js'
import { runRoundsInMemory } from './run-rounds-in-memory.js'
import { plainRows } from './tiny-federation.js'

export const numbersOf = (released: Bundle): readonly number[] => [...payloadFloat32(released)]

export interface BothHistories {
  readonly ours: readonly (readonly number[])[]
  readonly reference: readonly (readonly number[])[]
}

export async function compareWithReference(
  config: RunConfig,
  clients: readonly ClientData[],
  cohortOf?: (round: number) => readonly number[],
): Promise<BothHistories> {
  const streams = createStreams(config.seed)
  const { optimizer, localEpochs, batchSize } = config.training
  const reference = runReference({
    method: config.method.name as ReferenceRun['method'],
    mu: Number(config.method['mu'] ?? 0),
    clients: clients.map(plainRows),
    classes: config.task.classes.length,
    start: [...modelOf(config).init(streams('init', 0, 0))],
    rounds: config.rounds,
    localEpochs,
    batchSize,
    learningRate: optimizer.learningRate,
    momentum: optimizer.momentum,
    streams,
    ...(cohortOf === undefined ? {} : { reporters: cohortOf }),
  })
  const { rounds } = await runRoundsInMemory({
    config,
    clients,
    ...(cohortOf === undefined ? {} : { cohortOf }),
  })
  return { ours: rounds.map(({ released }) => numbersOf(released)), reference: reference.slice(1) }
}

/** Largest absolute difference between two histories. */
export function largestDifference({ ours, reference }: BothHistories): number {
  const differences = ours.flatMap((params, round) =>
    params.map((value, i) => Math.abs(value - (reference[round]?.[i] ?? NaN))),
  )
  return differences.reduce((largest, value) => Math.max(largest, value), 0)
}
