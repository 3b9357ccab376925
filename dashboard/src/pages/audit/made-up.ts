/** A small report of an audit that nobody made, for tests. */
import { auditReportSchema, type AuditReport } from '#protocol/audit-report.js'

const identified = (hits: number) => ({
  ...{ hits, of: 4, candidates: 100, rate: hits / 4, interval: [hits / 8, 1], chance: 0.01 },
  ...{ pValue: hits === 0 ? 1 : 0.0001, top5: 1, meanReciprocalRank: 0.5 },
})
const spread = (median: number) => ({ median, p90: median, max: median + 2, values: [median] })
const chosen = (median: number, hits: number) => ({
  ...{ psnr: spread(10 + median), ssim: spread(0.5), auxiliaryDistance: null },
  ...{ anyClass: identified(hits), sameClass: identified(hits), auxiliarySameClass: null },
  gain: { mean: median, median, max: median + 2, interval: [median - 1, median + 1] },
})
const method = (name: string, result: object | null, note: string | null = null) => ({
  ...{ name, chosen: result, stageChosen: null, stageOracle: null, stages: [], atFloor: null },
  ...{ oraclePsnr: null, matchLoss: 0.1, curve: [], residual: null, iterations: 9 },
  ...{ gradientEvaluations: 9, seconds: 2, note },
})
interface MadeUpRow {
  readonly id: string
  readonly updates: readonly object[]
  readonly verdict: string
  readonly methods: readonly object[]
}
const row = ({ id, updates, verdict, methods }: MadeUpRow) => ({
  ...{
    id,
    updates,
    defence: updates.length === 0 ? 'none' : 'clipped',
    batchSize: 1,
    localSteps: 1,
  },
  ...{ approximation: 'unrolled', labels: 'inferred', modelState: 'fresh', clients: 1, records: 4 },
  ...{ parameters: 100, informationRatio: 2, signalToNoise: null, floor: null, utility: 0.9 },
  labelRecovery: {
    ...{ rate: 1, exact: 1, chance: 0.1, pValue: 0.001, leastPValue: 0.001, rules: ['bias'] },
    ...{ certain: 1, others: [] },
  },
  methods,
  controls: [
    {
      ...{ name: 'placebo', method: 'ig', psnr: spread(9), anyClass: identified(0) },
      ...{ sameClass: identified(0), auxiliarySameClass: null },
    },
  ],
  ...{ verdict, because: `IG told records on ${id}` },
})
const HASH = '0'.repeat(64)
const CLIP = [{ name: 'clip', norm: 1 }]

export const madeUpReport = (more: Partial<AuditReport> = {}): AuditReport => ({
  ...auditReportSchema.parse({
    ...{ format: 1, name: 'made up', createdAt: '2026-11-28T12:00:00.000Z', version: '0.1.0' },
    settings: {
      task: { inputShape: [4], classes: ['a', 'b'] },
      model: { name: 'mlp', hidden: [4], activation: 'relu' },
      ...{ startFrom: null, method: { name: 'fedavg' }, updates: [] },
      training: {
        ...{ localEpochs: 1, batchSize: 8 },
        optimizer: {
          ...{ name: 'sgd', learningRate: 0.1, momentum: 0, weightDecay: 0 },
          ...{ schedule: { name: 'constant' }, gradientClip: null },
        },
      },
    },
    ...{ settingsHash: HASH, auditHash: HASH, modelHash: HASH },
    records: { description: 'made up', basis: 'canary', count: 4, candidates: 100 },
    ...{ auxiliary: 'public', generator: null, budget: 'standard', seed: 0, runSeed: 0 },
    effort: { methods: null, iterations: 150, restarts: 5, isAsBudget: true },
    ...{ engine: { backend: 'wasm', version: '4', threads: 1 }, hardware: 'a machine', seconds: 9 },
    ...{ threatModel: [{ knob: 'who', value: 'a reader' }], thresholds: {} },
    rows: [
      row({
        ...{ id: 'plain', updates: [], verdict: 'high' },
        methods: [method('ig', chosen(8, 3)), method('ggl', null, '<b>no generator</b>')],
      }),
      row({
        ...{ id: 'clip', updates: CLIP, verdict: 'not-demonstrated' },
        methods: [method('ig', chosen(0.2, 0)), method('ggl', null)],
      }),
    ],
    ...{ verdict: 'high', isSound: true, limitations: ['It is made up.'], pictures: null },
  }),
  ...more,
})
