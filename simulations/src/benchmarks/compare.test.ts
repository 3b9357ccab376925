import { describe, expect, it } from 'vitest'
import { compareWith, faultsOf } from './compare.js'
import type { Measurement, RoundMeasurement } from './measurement.js'

const round = (change: Partial<RoundMeasurement> = {}): RoundMeasurement => ({
  ...{ round: 1, accuracy: 0.9, seconds: 10, trainingSeconds: 8, trainingCpuSeconds: 6 },
  ...{ tensorsBefore: 4, tensorsAfter: 4 },
  ...change,
})
const measured = (backend: string, change: Partial<Measurement> = {}): Measurement => ({
  ...{ runId: 'run-1', modelHash: null, accuracyBefore: 0.1, peakRssBytes: [400] },
  engine: { backend, version: 'tfjs 4.22.0', threads: 1 },
  rounds: [round()],
  ...change,
})

describe('backends compared', () => {
  it('gives ratios to the reference and the difference of final accuracies', () => {
    const native = measured('native', {
      rounds: [round({ accuracy: 0.875, seconds: 5, trainingSeconds: 2, trainingCpuSeconds: 3 })],
      peakRssBytes: [300, 300],
    })
    expect(compareWith(measured('wasm'), native)).toEqual({
      ...{ backend: 'native', reference: 'wasm' },
      roundTimeRatio: 0.5, // 5 / 10
      trainingTimeRatio: 0.25, // 2 / 8
      trainingCpuRatio: 0.5, // 3 / 6
      peakRssRatio: 1.5, // 600 / 400
      accuracyDifference: expect.closeTo(-0.025, 12) as number,
    })
  })

  it('knows no difference where nothing was evaluated', () => {
    const blind = measured('native', { rounds: [round({ accuracy: null })] })
    expect(compareWith(measured('wasm'), blind).accuracyDifference).toBeNull()
    expect(faultsOf([measured('wasm'), blind], 0.01)).toEqual([])
  })
})

describe('what a benchmark holds against a backend', () => {
  it('is nothing when tensors are constant and accuracies close', () => {
    const near = measured('native', { rounds: [round({ accuracy: 0.895 })] })
    expect(faultsOf([measured('wasm'), near], 0.01)).toEqual([])
  })

  it('is an accuracy beyond the tolerance, on either side', () => {
    for (const accuracy of [0.875, 0.925]) {
      const far = measured('native', { rounds: [round({ accuracy })] })
      expect(faultsOf([measured('wasm'), far], 0.01)).toEqual([
        expect.stringMatching(/^native ends -?0\.0250 from the accuracy of wasm/),
      ])
    }
  })

  it('is a tensor left behind, also one that shows in a later round only', () => {
    const leaking = measured('wasm', {
      rounds: [round(), round({ round: 2, tensorsBefore: 5, tensorsAfter: 5 })],
    })
    expect(faultsOf([leaking], 0.01)).toEqual([
      'wasm keeps 5 tensors after round 2, 4 before the first',
    ])
  })
})
