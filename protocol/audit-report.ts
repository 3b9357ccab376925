/**
 * The report of a privacy audit: what was tried on which records with which settings, and what came of it. A published
 * format (`GET /api/schema/audit-report`), signed as a whole. Gifd specification §14.4.
 */
import { z } from 'zod'
import { AUDIT_BUDGETS, CONSENT_BASES } from './audit-config.js'
import { AUDIT_LEVELS } from './audit-level.js'
import { auditThresholds } from './audit-thresholds.js'
import { recordedConfigSchema } from './config-schema.js'
import { count, hash, time } from './wire.js'

export const REPORT_FORMAT = 1

const finite = z.number()
const share = z.number().min(0).max(1)
const level = z.enum(AUDIT_LEVELS)
const words = z.string().min(1).max(2000)

/** Median, 90th percentile and largest over the records, and every one of them in their order. */
const spread = z.strictObject({
  median: finite,
  p90: finite,
  max: finite,
  values: z.array(finite).min(1),
})

/** How often the true record is the nearest among `candidates`, with a Clopper-Pearson interval and a test against chance. */
const identification = z.strictObject({
  hits: count,
  of: count,
  candidates: count,
  rate: share,
  interval: z.tuple([share, share]),
  chance: share,
  pValue: share,
  top5: share,
  meanReciprocalRank: share,
})

const result = z.strictObject({
  psnr: spread,
  ssim: spread,
  /** Distance in features of a small network trained on public data; not LPIPS. Null: there is no such network. */
  auxiliaryDistance: spread.nullable(),
  anyClass: identification,
  sameClass: identification,
  /** The same by auxiliary distance, where there is a network for it. */
  auxiliarySameClass: identification.nullable(),
  /** PSNR over the best control without gradients, paired by record. */
  gain: z.strictObject({
    mean: finite,
    median: finite,
    max: finite,
    interval: z.tuple([finite, finite]),
  }),
})

/** An attack that stops earlier than it could, over the records of the batches that got there. `psnr` is a median. */
const stopped = z.strictObject({
  psnr: finite,
  matchLoss: finite,
  gain: z.strictObject({ median: finite, max: finite }),
  sameClass: identification,
  auxiliarySameClass: identification.nullable(),
})

const method = z.strictObject({
  name: z.string().min(1).max(40),
  /** What the attacker would take: the smallest matching loss. Null: the method failed or was left out, `note` says why. */
  chosen: result.nullable(),
  /** Stage of smallest loss, and the stage that was best in truth, most often over the records; null where there are none. */
  stageChosen: count.nullable(),
  stageOracle: count.nullable(),
  /** Each stage as if the attacker had stopped there: the verdict is the highest over methods and stages (§20.4). */
  stages: z.array(stopped.extend({ stage: count })),
  /** As if every search had stopped at the noise floor (§9.4). Null: no floor is known. */
  atFloor: stopped.nullable(),
  /** Median PSNR of the stage that was best in truth, record by record. */
  oraclePsnr: finite.nullable(),
  matchLoss: finite.nullable(),
  /** Matching loss against iterations, a mean over the records. */
  curve: z.array(z.tuple([count, finite])),
  /** Relative error ‖x̂ − x‖ / ‖x‖ of the record that the analytic leak got best; null for the others. */
  residual: finite.nullable(),
  iterations: count,
  gradientEvaluations: count,
  seconds: z.number().nonnegative(),
  note: words.nullable(),
})

const control = z.strictObject({
  name: z.enum(['class-mean', 'random-same-class', 'generator-sample', 'placebo']),
  /** The attack of a placebo, run on the update of other records of the same classes; null for the others. */
  method: z.string().min(1).max(40).nullable(),
  psnr: spread,
  anyClass: identification,
  sameClass: identification,
  /** By auxiliary distance: what attacks are judged by, placebos have to fail by. */
  auxiliarySameClass: identification.nullable(),
})

/** Compared pictures as data URLs of PNG; only where the operator asked for them. */
const picture = z.strictObject({
  record: count,
  truth: z.string().startsWith('data:image/png;base64,'),
  reconstructions: z.array(
    z.strictObject({
      method: z.string().max(40),
      image: z.string().startsWith('data:image/png;base64,'),
      psnr: finite,
    }),
  ),
})

/** What labels are read off: gifd specification §4. */
export const LABEL_RULES = [
  /** One record: the sign of the last layer's bias gradient. */
  'bias',
  /** One record: inner products of the columns of the last layer's kernel. */
  'inner-product',
  /** Several: the bias gradient against outputs on public data; the same with sums of the kernel's columns. */
  'counts',
  'column-counts',
  /** Nothing of the update: as often as in public data. */
  'public-shares',
  /** For comparison: the bias gradient alone; the least entry of each column. */
  'greedy',
  'minimum',
] as const
const labelRule = z.enum(LABEL_RULES)

const labelRecovery = z.strictObject({
  rate: share,
  exact: share,
  /** What guesses from the shares of labels in public data find, and how often they find as much. */
  chance: share,
  pValue: share,
  /** The same if every label were right. Where even that is no level of risk, labels cannot be one. */
  leastPValue: share,
  /** Those that were used: which of them depends on the update. */
  rules: z.array(labelRule).min(1),
  /** In how many of the updates the rule is exact; never for several records, nor where the transforms of the row add noise. */
  certain: share,
  /** What other rules would have inferred from the same updates of several records. */
  others: z.array(z.strictObject({ rule: labelRule, rate: share })),
})

const row = z.strictObject({
  id: z.string().min(1).max(200),
  /** As the run configuration writes them; empty: none. */
  updates: z.array(z.looseObject({ name: z.string() })),
  /** The same in words. */
  defence: words,
  batchSize: count.min(1),
  localSteps: count.min(1),
  approximation: z.enum(['unrolled', 'one-gradient']),
  labels: z.enum(['inferred', 'given']),
  modelState: z.enum(['fresh', 'trained']),
  /** Updates of this many clients are averaged before anyone sees them. */
  clients: count.min(1),
  records: count.min(1),
  parameters: count,
  /** Observed numbers that are not zero, for each number of the records. Below 1 they cannot be determined without a prior. */
  informationRatio: z.number().nonnegative(),
  /** Norm of the update over that of its noise; null: no noise. */
  signalToNoise: z.number().nonnegative().nullable(),
  /** Cosine distance that noise or rounding leave at the true records, for matching losses to be held against; null: none, or not known. */
  floor: finite.nullable(),
  /** Accuracy after as many rounds as `utilityRounds` with these transforms; null: not measured. */
  utility: share.nullable(),
  labelRecovery,
  methods: z.array(method),
  controls: z.array(control),
  verdict: level,
  /** Which rule and which method it comes from. */
  because: words,
})

const settings = z.strictObject({
  task: recordedConfigSchema.shape.task,
  model: recordedConfigSchema.shape.model,
  startFrom: recordedConfigSchema.shape.startFrom,
  method: recordedConfigSchema.shape.method,
  training: recordedConfigSchema.shape.training,
  updates: z.array(z.looseObject({ name: z.string() })),
})

/** How hard the attacks tried. A budget is a name: these are what was asked for in its place. */
const effort = z.strictObject({
  /** Those that were asked for by name; null: all that apply. */
  methods: z.array(z.string().min(1).max(40)).min(1).nullable(),
  /** Of one stage. */
  iterations: count.min(1),
  restarts: count.min(1),
  /** Whether both are those of the budget, or more. */
  isAsBudget: z.boolean(),
})

export const auditReportSchema = z.strictObject({
  format: z.literal(REPORT_FORMAT),
  name: z.string().min(1).max(100),
  createdAt: time,
  version: z.string().max(40),
  /** What a run must have in common with what was audited. `settingsHash` is their canonical hash. */
  settings,
  settingsHash: hash,
  /** Hash of the audit's own configuration. */
  auditHash: hash,
  modelHash: hash,
  records: z.strictObject({
    description: words,
    basis: z.enum(CONSENT_BASES),
    count: count.min(1),
    candidates: count.min(1),
  }),
  auxiliary: words,
  generator: z
    .strictObject({
      name: words,
      hash,
      trainedOn: words,
      /** Held-out pictures fitted directly: latent alone, all stages, and the class mean, in dB. */
      projection: z.strictObject({ latent: finite, stages: finite, classMean: finite }).nullable(),
      /** Whether it fits pictures better than the class mean does; null: nobody measured it. */
      isInformative: z.boolean().nullable(),
    })
    .nullable(),
  budget: z.enum(AUDIT_BUDGETS),
  effort,
  seed: z.int(),
  /** Of the run that was audited: it draws fresh params, shuffles and noise. */
  runSeed: z.int(),
  engine: z.strictObject({ backend: z.string(), version: z.string(), threads: count }),
  hardware: words,
  seconds: z.number().nonnegative(),
  threatModel: z.array(z.strictObject({ knob: words, value: words })),
  thresholds: auditThresholds,
  rows: z.array(row).min(1),
  verdict: level,
  /**
   * What the audit found out about itself: attacks and placebos came to results on every row that decides, the placebos at
   * chance. False: the report says nothing about the model.
   */
  isSound: z.boolean(),
  limitations: z.array(words).min(1),
  /** Only with the operator's word, until that day, and only of public, synthetic or canary records. */
  pictures: z
    .strictObject({
      retainUntil: z.iso.date(),
      byRow: z.array(z.strictObject({ row: z.string(), pictures: z.array(picture) })),
    })
    .nullable(),
})

export type AuditReport = z.output<typeof auditReportSchema>
export type AuditRow = AuditReport['rows'][number]
export type AuditMethodResult = AuditRow['methods'][number]
export type AuditControl = AuditRow['controls'][number]
export type LabelRule = (typeof LABEL_RULES)[number]
export type AuditedSettings = AuditReport['settings']

/** What is handed on: the report, and who stands for it. */
export const signedReportSchema = z.strictObject({
  report: auditReportSchema,
  signature: z.strictObject({
    algorithm: z.literal('ed25519'),
    /** SPKI DER in base64url. */
    publicKey: z.string().max(200),
    /** Over `reportText(report)`, base64url. */
    value: z.string().max(200),
  }),
})
export type SignedReport = z.output<typeof signedReportSchema>
