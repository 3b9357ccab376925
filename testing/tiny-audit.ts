/** An audit that takes seconds: few made-up pictures, one or two attacks, few iterations. */
import { auditFileSchema } from '#protocol/audit-config.js'
import type { AuditReport } from '#protocol/audit-report.js'
import { parseRunConfig, type RunConfig } from '#protocol/run-config.js'
import { unwrap } from '#protocol/result.js'
import { configCatalogue } from '#algorithms/catalogue.js'
import type { CellResult } from '#algorithms/audit/run/cell-result.js'
import type { CellCheckpoints } from '#algorithms/audit/run/checkpoints.js'
import { cellsOf } from '#algorithms/audit/run/cells.js'
import type { ReportMeta } from '#algorithms/audit/run/report.js'
import { auditSpec, type AuditSource, type AuditSpec } from '#algorithms/audit/run/spec.js'

const DIGITS = 'stroke-digits:side=8:classes=3'
const source = (count: number, seed: number): AuditSource => ({
  ...{ name: 'synthetic', path: `${DIGITS}:count=${count}:seed=${seed}` },
  ...{ share: [0, 1], hash: null },
})

export const tinyRun = (change: object = {}): RunConfig =>
  unwrap(
    parseRunConfig(
      {
        task: { inputShape: [8, 8, 1], classes: ['0', '1', '2'] },
        model: { name: 'flat', filters: [2, 3] },
        training: { batchSize: 2, optimizer: { learningRate: 0.5 } },
        compute: { backend: 'cpu' },
        ...change,
      },
      configCatalogue(),
    ),
  )

/** `file`: keys of the audit's file in place of the usual ones. */
export function tinyAudit(
  file: object = {},
  run: RunConfig = tinyRun(),
  data: { readonly records?: AuditSource; readonly auxiliary?: AuditSource } = {},
): AuditSpec {
  const parsed = auditFileSchema.parse({
    name: 'tiny',
    run: {},
    records: { data: { name: 'synthetic' }, count: 2, candidates: 6, basis: 'canary' },
    rows: [{ batchSize: 1 }],
    methods: ['ig'],
    iterations: 5,
    restarts: 1,
    ...file,
  })
  return auditSpec(parsed, {
    ...{ run, generator: null, compute: { backend: 'cpu', threads: 1 } },
    ...{ records: source(45, 1), auxiliary: source(30, 2), ...data },
  })
}

/** Keeps nothing. */
export const NO_CHECKPOINTS: CellCheckpoints = {
  get: () => Promise.resolve(null),
  put: () => Promise.resolve(),
}

/** How near a made-up reconstruction came. */
export const madeScore = (psnr: number, rank = 1): CellResult['controls'][number]['scores'][0] => ({
  ...{ psnr, ssim: psnr / 100, relativeError: 10 ** (-psnr / 20) },
  ...{ anyClass: rank, sameClass: rank, auxiliary: null },
})

const HASH = 'a'.repeat(64) as AuditReport['modelHash']

/** Results of all cells of an audit without computing anything: IG at 20 dB, the class mean at 12. */
export const madeResults = (
  spec: AuditSpec,
  change: (result: CellResult) => CellResult = (result) => result,
): readonly CellResult[] =>
  cellsOf(spec).map(({ row, batch, key }) => {
    const { batchSize, clients } = spec.rows[row]!
    const records = Array.from({ length: batchSize * clients }, (_, i) => i)
    const scores = records.map((i) => madeScore(20 + batch + i))
    return change({
      ...{ key, row, batch, untried: null, remarks: [], pictures: null, seconds: 2 },
      labels: {
        ...{ truth: records.map(() => 1), inferred: records.map(() => 1), shares: [0.5, 0.5] },
        ...{ rule: 'counts' as const, isCertain: false, others: [] },
      },
      candidates: { anyClass: 6, sameClass: 4 },
      ...{ parameters: 100, informationRatio: 2, signalToNoise: null },
      methods: [
        {
          ...{ name: 'ig', chosen: scores, stageChosen: 0, atFloor: null, residual: null },
          stages: [{ stage: 0, matchLoss: 0.1, scores }],
          ...{ matchLoss: 0.1, curve: [[0, 1] as [number, number], [25, 0.1] as [number, number]] },
          ...{ iterations: 25, gradientEvaluations: 50, seconds: 1, note: null },
        },
      ],
      controls: [
        { name: 'class-mean', method: null, scores: records.map(() => madeScore(12, 3)) },
        { name: 'placebo', method: 'ig', scores: records.map(() => madeScore(10, 4)) },
      ],
    })
  })

export const MADE_META: ReportMeta = {
  facts: { modelHash: HASH, generator: null },
  createdAt: '2026-01-02T03:04:05.000Z',
  engine: { backend: 'cpu', version: '4.22.0', threads: 1 },
  hardware: 'a machine',
  seconds: 4,
  utility: new Map(),
  retainUntil: null,
}
