/** A report of an audit that nobody made: hits and likenesses as they could be, everything else follows from them. */
import { chanceOf, clopperPearson } from '#algorithms/audit/metrics/binomial.js'
import { LIMITS_OF_ALL } from '#algorithms/audit/run/limits-of-all.js'
import { gainSummary, gainsOf } from '#algorithms/audit/metrics/results.js'
import { spreadOf } from '#algorithms/audit/metrics/spread.js'
import { obstaclesOf } from '#algorithms/audit/soundness.js'
import { verdictOfReport, verdictOfRow } from '#algorithms/audit/verdict.js'
import {
  auditReportSchema,
  type AuditControl,
  type AuditMethodResult,
  type AuditReport,
  type AuditRow,
  type SignedReport,
} from '#protocol/audit-report.js'
import { settingsHash, settingsOf } from '#protocol/audit-settings.js'
import { signReport } from '#protocol/audit-signature.js'
import { DEFAULT_THRESHOLDS, type AuditThresholds } from '#protocol/audit-thresholds.js'
import { recordedConfigSchema, type RunConfig } from '#protocol/config-schema.js'
import { sha256 } from '#protocol/ids.js'

/** Of nobody; the same in every test, so that a page is the same. */
export const AUDIT_KEY = 'MC4CAQAwBQYDK2VwBCIEIFoamZ5YCrggEvrHVF54QnM7v-x7ZjLR-tsfDk_xEGP7'

type Result = NonNullable<AuditMethodResult['chosen']>

async function identified(hits: number, of: number, candidates = 100): Promise<Result['anyClass']> {
  const chance = 1 / candidates
  const [low, high] = await clopperPearson({ hits, of })
  const rate = hits / of
  return {
    ...{ hits, of, candidates, rate, chance, interval: [low, high] },
    pValue: await chanceOf({ hits, of }, chance),
    top5: Math.min(1, rate + 0.1),
    meanReciprocalRank: Math.min(1, rate + 0.05),
  }
}

export interface MadeUpMethod {
  readonly name: string
  /** Of every record, in dB. Null: it gave nothing. */
  readonly psnr: readonly number[] | null
  readonly hits?: number
  /** By how many dB stages stay below the end, latent first. */
  readonly stages?: readonly number[]
  readonly residual?: number
  readonly note?: string
}

const CLASS_MEAN = [11.8, 13.4, 12.9, 12.2, 13.9, 13.1]

async function madeUpMethod(told: MadeUpMethod): Promise<AuditMethodResult> {
  const { name, psnr, hits = 0, stages = [], residual = null, note = null } = told
  const isSearch = psnr !== null && residual === null
  const reached = stages.map(async (below, stage) => {
    const { median, max } = gainSummary(
      gainsOf(
        (psnr ?? []).map((v) => v - below),
        CLASS_MEAN,
      ),
    )
    return {
      ...{ stage, psnr: spreadOf((psnr ?? []).map((v) => v - below)).median },
      ...{ matchLoss: 0.01 / 4 ** stage, gain: { median, max } },
      sameClass: await identified(Math.max(0, hits - (below > 1 ? 1 : 0)), psnr?.length ?? 1),
      auxiliarySameClass: null,
    }
  })
  return {
    name,
    chosen: psnr === null ? null : await resultOf(psnr, hits),
    stageChosen: stages.length === 0 ? null : stages.length - 1,
    stageOracle: stages.length === 0 ? null : stages.indexOf(Math.min(...stages)),
    stages: await Promise.all(reached),
    atFloor: null,
    oraclePsnr: psnr === null || stages.length === 0 ? null : spreadOf(psnr).median,
    matchLoss: psnr === null ? null : 2.1e-5,
    curve: isSearch ? curveOf(name) : [],
    ...{ residual, note },
    iterations: isSearch ? 600 : 0,
    gradientEvaluations: isSearch ? 1200 : 0,
    seconds: isSearch ? 14.2 : 0.02,
  }
}

async function resultOf(psnr: readonly number[], hits: number): Promise<Result> {
  const gain = gainSummary(gainsOf(psnr, CLASS_MEAN))
  return {
    psnr: spreadOf(psnr),
    ssim: spreadOf(psnr.map((value) => Math.min(1, value / 26))),
    auxiliaryDistance: null,
    anyClass: await identified(hits, psnr.length),
    sameClass: await identified(hits, psnr.length),
    auxiliarySameClass: null,
    gain: { ...gain, interval: [gain.mean - 1.4, gain.mean + 1.6] },
  }
}

/** Falls at a pace that differs by name. */
const curveOf = (name: string): [number, number][] =>
  Array.from({ length: 25 }, (_, i): [number, number] => [
    i * 25,
    0.9 * 10 ** (-(i / 24) * (1 + name.length * 0.8)) + 1e-5,
  ])

async function control(
  name: AuditControl['name'],
  psnr: readonly number[],
  hits = 0,
): Promise<AuditControl> {
  return {
    ...{ name, method: name === 'placebo' ? 'gifd' : null, psnr: spreadOf(psnr) },
    anyClass: await identified(hits, psnr.length),
    sameClass: await identified(hits, psnr.length),
    auxiliarySameClass: null,
  }
}

export interface MadeUpRow extends Partial<Omit<AuditRow, 'methods' | 'controls'>> {
  readonly methods: readonly MadeUpMethod[]
  /** Records that the placebo recognises. */
  readonly placeboHits?: number
}
export async function madeUpRow(
  told: MadeUpRow,
  limits: AuditThresholds = DEFAULT_THRESHOLDS,
): Promise<AuditRow> {
  const { methods, placeboHits = 0, ...changes } = told
  const row = {
    ...{ id: `row-${sha256(JSON.stringify(told)).slice(0, 8)}`, updates: [], defence: 'none' },
    ...({ batchSize: 1, localSteps: 1, approximation: 'unrolled', labels: 'inferred' } as const),
    ...({ modelState: 'fresh', clients: 1, records: 6, parameters: 850 } as const),
    ...{ informationRatio: 3.3203125, signalToNoise: null, floor: null, utility: null },
    labelRecovery: {
      ...{ rate: 1, exact: 1, chance: 0.1, pValue: 1e-6, leastPValue: 1e-6 },
      ...{ rules: ['bias' as const], certain: 1, others: [] },
    },
    ...changes,
    methods: await Promise.all(methods.map(madeUpMethod)),
    controls: await Promise.all([
      control('class-mean', CLASS_MEAN),
      control('random-same-class', [9.1, 10.8, 9.9, 11.2, 8.4, 10.3]),
      control('generator-sample', [10.9, 11.7, 12.1, 11.4, 10.2, 12.6]),
      control('placebo', [9.6, 10.4, 9.8, 10.9, 8.9, 10.1], placeboHits),
    ]),
  }
  const { level, because } = verdictOfRow(row, limits)
  return { verdict: level, because, ...row }
}

/** What an information-poor model shows without transforms, much as the specification measured it. */
export const OPEN: readonly MadeUpMethod[] = [
  {
    ...{ name: 'analytic', psnr: null },
    note: 'The first layer is a convolution: no formula gives its input',
  },
  { name: 'latent', psnr: [14.1, 13.2, 15.9, 12.4, 15.0, 14.3], hits: 4 },
  {
    ...{ name: 'gifd', psnr: [20.5, 18.9, 24.4, 16.8, 22.1, 20.6], hits: 5 },
    stages: [6.4, 2.4, 0.7, 0],
  },
  { name: 'ig', psnr: [9.4, 10.1, 8.8, 9.9, 8.1, 9.6] },
  { name: 'gi', psnr: [9.0, 9.7, 8.5, 9.4, 8.3, 9.1] },
  { name: 'gias', psnr: [18.1, 16.9, 21.0, 15.2, 19.4, 18.3], hits: 5 },
  { name: 'ggl', psnr: [15.9, 14.8, 17.6, 13.9, 16.4, 15.2], hits: 4 },
  {
    ...{ name: 'gifd-cma', psnr: [21.0, 19.3, 24.9, 17.5, 22.8, 21.1], hits: 5 },
    stages: [5.1, 0.5, -0.2, 0],
  },
  { name: 'dlg', psnr: [8.8, 9.1, 7.9, 9.3, 7.7, 8.4] },
  { name: 'idlg', psnr: [8.9, 9.2, 8.1, 9.3, 7.8, 8.6] },
]
/** Every attack weaker by so many dB, and right about so many records at most. */
export const weaker = (by: number, hits: number): readonly MadeUpMethod[] =>
  OPEN.map((method) => ({
    ...method,
    psnr: method.psnr?.map((value) => Math.max(6, value - by)) ?? null,
    hits: Math.min(hits, method.hits ?? 0),
  }))

const CLIP = { name: 'clip', norm: 1 }
const NOISE = { name: 'gaussian-noise', stddev: 0.01 }
const TOP_K = { name: 'top-k', fraction: 0.1 }
const COUNTED: Pick<AuditRow['labelRecovery'], 'rules' | 'certain' | 'others'> = {
  ...{ rules: ['counts'], certain: 0 },
  others: [
    { rule: 'greedy', rate: 0.69 },
    { rule: 'minimum', rate: 0.5 },
  ],
}
const FEW_LABELS = {
  ...{ ...COUNTED, rate: 0.5, exact: 0, chance: 0.48, pValue: 0.4 },
  leastPValue: 1e-5,
}
const ROWS: readonly MadeUpRow[] = [
  { methods: OPEN, utility: 0.94 },
  { methods: OPEN, updates: [CLIP], defence: 'clip to norm 1', utility: 0.94 },
  {
    ...{ methods: weaker(7, 0), updates: [CLIP, NOISE], utility: 0.87, signalToNoise: 3.4 },
    floor: 0.0421,
    defence: 'clip to norm 1, then noise of deviation 0.01',
  },
  {
    ...{ methods: weaker(4, 1), updates: [TOP_K], utility: 0.92, informationRatio: 0.33 },
    defence: 'the largest 10 % only',
  },
  {
    ...{ methods: weaker(3, 3), batchSize: 8, informationRatio: 0.41 },
    labelRecovery: {
      ...{ ...COUNTED, rate: 0.94, exact: 0.5, chance: 0.48, pValue: 0.0002 },
      leastPValue: 1e-5,
    },
  },
  { methods: weaker(12, 0), clients: 8, labelRecovery: FEW_LABELS },
]
/** A row on which nothing is found, labels neither. */
export const QUIET: MadeUpRow = { methods: weaker(12, 0), labelRecovery: FEW_LABELS }

const CONFIG = recordedConfigSchema.parse({
  name: 'gap-on-stroke-digits',
  task: { inputShape: [16, 16, 1], classes: [...'0123456789'] },
  model: { name: 'gap', activation: 'softplus' },
  method: { name: 'fedavg' },
}) as RunConfig
const SETTINGS = settingsOf(CONFIG)

/** Without rows of its own: those of six setups. The verdict and soundness follow from the rows unless they are told. */
export async function madeUpAudit(
  changes: Partial<AuditReport> = {},
  rows: readonly MadeUpRow[] = ROWS,
): Promise<SignedReport> {
  const settings = changes.settings ?? SETTINGS
  const thresholds = changes.thresholds ?? DEFAULT_THRESHOLDS
  const made = await Promise.all(rows.map((row) => madeUpRow(row, thresholds)))
  const judged = { rows: made, settings, thresholds }
  const { level } = verdictOfReport(judged)
  const obstacles = await obstaclesOf(judged)
  const report: AuditReport = {
    ...{ format: 1, name: 'Chest radiographs, first model', createdAt: '2026-11-28T09:30:00.000Z' },
    ...{ version: '0.1.0', settings, settingsHash: settingsHash(settings) },
    auditHash: sha256('audit'),
    modelHash: sha256('model'),
    records: {
      description: 'stroke digits drawn by the data set synthetic, kind stroke-digits, seed 7',
      ...{ basis: 'synthetic', count: 6, candidates: 100 },
    },
    auxiliary: 'stroke digits of the same kind, other records: 3000',
    generator: {
      ...{
        name: 'tiny',
        hash: sha256('generator'),
        trainedOn: '3000 stroke digits, other records',
      },
      projection: { latent: 16.4, stages: 27.1, classMean: 12.9 },
      isInformative: true,
    },
    ...{ budget: 'standard', seed: 7, runSeed: 1 },
    effort: { methods: null, iterations: 150, restarts: 5, isAsBudget: true },
    engine: { backend: 'wasm', version: 'tfjs 4.22.0', threads: 1 },
    ...{ hardware: '2 cores of AMD EPYC, linux x64', seconds: 7834 },
    threatModel: [
      { knob: 'labels', value: 'inferred from the update' },
      { knob: 'local steps and learning rate', value: 'known: they are settings of the run' },
      {
        knob: 'generator',
        value: 'trained on public records of the same kind, none of them audited',
      },
      { knob: 'transforms', value: 'known, with their parameters' },
    ],
    thresholds,
    ...{ rows: made, verdict: level, isSound: obstacles.length === 0 },
    limitations: [
      ...LIMITS_OF_ALL,
      'The records are made up: real ones of the clients can be easier or harder to recover.',
      'The run takes batches of 32; here they are smaller, which shows more of each record.',
      'The model was freshly initialised, as in the first round. Updates of later rounds show something else, often less.',
      'Distances are those of pixels and of a small network trained on public data. A person can recognise what they call far away.',
      'Six records: rates have wide intervals.',
    ],
    pictures: null,
    ...changes,
  }
  return signReport(auditReportSchema.parse(report), AUDIT_KEY)
}
