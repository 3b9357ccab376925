/** Every setting of the profile `features` in whole runs: both halves understand each other. */
import { beforeAll, describe, expect, it } from 'vitest'
import { tensorsOf } from '#protocol/bundle.js'
import type { JsonObject } from '#protocol/json.js'
import { assertPossible } from '#algorithms/from-config.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { fedd2sSetup, randomExamples, type LabOptions } from '#testing/fedd2s-lab.js'
import { fedd2sRun } from '#testing/fedd2s-rounds.js'
import type { InMemoryResult } from '#testing/run-rounds-in-memory.js'

const SLOTS = [0, 1, 2]
const IMAGES: LabOptions['change'] = {
  task: { inputShape: [6, 6, 1], classes: ['c0', 'c1', 'c2'] },
  model: { name: 'cnn', filters: [2, 3], kernelSize: 3, hidden: 5 },
}
const OTHERS = [{ name: 'mlp', hidden: [8, 3, 7, 6] }]

function isFinite({ rounds, memories }: InMemoryResult): boolean {
  const numbers = rounds.flatMap(({ metrics, clientMetrics }) =>
    [metrics, ...clientMetrics.values()].flatMap((one) => Object.values(one)),
  )
  const kept = [...memories.values()].flatMap(tensorsOf).flatMap(({ data }) => [...data])
  return [...numbers, ...kept].every(Number.isFinite)
}

describe('a run of fedd2s works', () => {
  beforeAll(async () => void (await useBackend('cpu')))

  it.each([
    ['with halves', { quantization: 'float16' }],
    ['with bytes', { quantization: 'uint8' }],
    ['with noise', { clipNorm: 1, noise: 0.2, quantization: 'uint8' }],
    ['with few rows', { maxSamplesPerRound: 2 }],
    ['with class means', { rows: 'class-means', maxSamplesPerRound: 4, quantization: 'float16' }],
    ['with own teachers', { serverTeacher: 'local', maxSamplesPerRound: 4 }],
    ['with own teachers of classes', { serverTeacher: 'local', rows: 'class-means' }],
    ['with soft labels that grow old', { maxSoftLabelAge: 1 }],
    ['with other models apart', { otherModels: OTHERS, cuts: ['dense3', 'dense2', 'dense1'] }],
    [
      'with other models and adapters',
      { otherModels: OTHERS, adapter: 'linear', cuts: ['dense2', 'dense1'] },
    ],
    ['with a head of each cut, downloaded', { headSharing: 'perCut', transfer: 'headDownload' }],
    [
      'with a downloaded head that pulls, and adapters',
      {
        ...{ transfer: 'headDownload', featurePull: 0.5, adapter: 'linear', rows: 'class-means' },
        ...{ otherModels: OTHERS, cuts: ['dense2', 'dense1'] },
      },
    ],
  ] satisfies [string, JsonObject][])('%s', async (_what, hyper) => {
    const options = { hyper: { interval: 1, ...hyper }, change: { rounds: 4 } }
    assertPossible(fedd2sSetup(options).config)
    const result = await fedd2sRun(options)
    expect(isFinite(result)).toBe(true)
    expect([...result.memories.keys()]).toEqual(SLOTS)
    const last = result.rounds.at(-1)!
    for (const slot of SLOTS) {
      const { softLabels, divergence } = last.clientMetrics.get(slot)!
      expect(divergence).toBeGreaterThan(0)
      if (!('transfer' in hyper)) expect(softLabels).toBeGreaterThan(0)
    }
    expect(last.metrics['samples']).toBeGreaterThan(0)
  })

  it('with pooled images, whose answers come back as for whole ones', async () => {
    const options = { hyper: { pooling: 2, cuts: ['conv2', 'conv1'], interval: 1 }, change: IMAGES }
    assertPossible(fedd2sSetup(options).config)
    const clients = SLOTS.map((seed) => randomExamples([6, 6, 1], { count: 5, classes: 3, seed }))
    const result = await fedd2sRun(options, { clients })
    expect(isFinite(result)).toBe(true)
    const widths = result.rounds.map(({ plan }) => plan.uplink[0]!.tensors[0]!.shape[1])
    // conv2 is flattened by what follows it, so nothing is pooled there; conv1: 3×3×2 becomes 2×2×2.
    expect(widths).toEqual([3, 8, 8])
    expect(result.rounds.at(-1)!.clientMetrics.get(2)!['softLabels']).toBe(1)
  })
})
