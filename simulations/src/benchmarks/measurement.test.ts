import { describe, expect, it } from 'vitest'
import type { RunRecord } from '#protocol/record.js'
import type { WorkerReport } from '#simulations/process-use.js'
import {
  measurementOf,
  peakRss,
  secondsPerRound,
  trainingCpuPerRound,
  trainingPerRound,
} from './measurement.js'

const engine = { backend: 'wasm', version: 'tfjs 4.22.0', threads: 1 }
/** Only what a measurement reads. */
const record = {
  runId: 'run-1',
  modelHash: null,
  engine: { ...engine, backend: 'cpu' },
  roster: [{ engine }],
  rounds: [
    { round: 0, durationMs: 500, metrics: { accuracy: 0.1 } },
    { round: 1, durationMs: 3000, metrics: { accuracy: 0.5 } },
    { round: 2, durationMs: 5000, metrics: {} },
  ],
} as unknown as RunRecord
const report = (change: Partial<WorkerReport>): WorkerReport => ({
  ...{
    round: 1,
    pid: 1,
    seconds: 1,
    cpuSeconds: 0.5,
    tensorsBefore: 2,
    tensorsAfter: 2,
    peakRssBytes: 100,
  },
  ...change,
})

describe('a measurement of a run', () => {
  const measured = measurementOf(record, [
    report({ pid: 1, seconds: 2 }),
    report({ pid: 2, seconds: 1.5, tensorsAfter: 3 }),
    report({ round: 2, pid: 1, seconds: 4, peakRssBytes: 150 }),
  ])

  it('takes accuracy and time from the record, and tensors and training time from the workers', () => {
    expect(measured.engine).toEqual(engine)
    expect(measured.accuracyBefore).toBe(0.1)
    expect(measured.rounds).toEqual([
      // Two workers side by side: the slower one's seconds, both one's tensors.
      {
        ...{ round: 1, accuracy: 0.5, seconds: 3, trainingSeconds: 2, trainingCpuSeconds: 1 },
        ...{ tensorsBefore: 4, tensorsAfter: 5 },
      },
      {
        ...{ round: 2, accuracy: null, seconds: 5, trainingSeconds: 4, trainingCpuSeconds: 0.5 },
        ...{ tensorsBefore: 2, tensorsAfter: 2 },
      },
    ])
  })

  it('averages over rounds of training, not the evaluation before them', () => {
    expect(secondsPerRound(measured)).toBe(4)
    expect(trainingPerRound(measured)).toBe(3)
    expect(trainingCpuPerRound(measured)).toBe(0.75)
  })

  it("adds the processes' peaks", () => {
    // 150 is the later, higher peak of process 1; 100 that of process 2.
    expect(measured.peakRssBytes).toEqual([150, 100])
    expect(peakRss(measured)).toBe(250)
  })
})
