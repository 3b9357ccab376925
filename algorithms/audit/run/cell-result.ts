import { z } from 'zod'
import { LABEL_RULES } from '#protocol/audit-report.js'
import { count, hash } from '#protocol/wire.js'
import type { RecordScore } from '#algorithms/audit/metrics/score.js'

const finite = z.number()
/** Place among the candidates, from 1; 1: the record was identified. */
const rank = z.int().min(1)

const score = z.strictObject({
  psnr: finite,
  ssim: finite,
  relativeError: finite,
  anyClass: rank,
  sameClass: rank,
  auxiliary: z.strictObject({ distance: finite, sameClass: rank }).nullable(),
}) satisfies z.ZodType<RecordScore>

/** One for each record of the batch, in their order. */
const scores = z.array(score).min(1)

/** What an attacker would have who stopped there. */
const reached = z.strictObject({ matchLoss: finite, scores })

const method = z.strictObject({
  name: z.string().min(1).max(40),
  /** What the attacker takes; null: the attack failed or was left out, and `note` says why. */
  chosen: scores.nullable(),
  stageChosen: count.nullable(),
  stages: z.array(reached.extend({ stage: count })),
  /** Null: no noise floor is known. */
  atFloor: reached.nullable(),
  matchLoss: finite.nullable(),
  curve: z.array(z.tuple([count, finite])),
  /** Smallest relative error of a record, of the analytic leak only. */
  residual: finite.nullable(),
  iterations: count,
  gradientEvaluations: count,
  seconds: z.number().nonnegative(),
  note: z.string().min(1).nullable(),
})
export type CellMethod = z.output<typeof method>

/** A control without gradients, or an attack on the update of other records of the same classes. */
const control = z.strictObject({
  name: z.enum(['class-mean', 'random-same-class', 'generator-sample', 'placebo']),
  /** Only of a placebo. */
  method: z.string().nullable(),
  scores,
})
export type CellControl = z.output<typeof control>

const picture = z.strictObject({
  record: count,
  truth: z.string(),
  reconstructions: z.array(z.strictObject({ method: z.string(), image: z.string(), psnr: finite })),
})
export type CellPicture = z.output<typeof picture>

/** What one cell came to: numbers alone, unless pictures were asked for. */
export const cellResultSchema = z.strictObject({
  key: hash,
  row: count,
  batch: count,
  /** Labels of the batch, what the update told of them, both without an order; and the shares of labels in public data. */
  labels: z.strictObject({
    truth: z.array(count).min(1),
    inferred: z.array(count),
    rule: z.enum(LABEL_RULES),
    isCertain: z.boolean(),
    /** What other rules say, for comparison. */
    others: z.array(z.strictObject({ rule: z.enum(LABEL_RULES), inferred: z.array(count) })),
    shares: z.array(z.number().min(0).max(1)),
  }),
  /** Among how many a record was told. */
  candidates: z.strictObject({ anyClass: count, sameClass: count }),
  parameters: count,
  informationRatio: z.number().nonnegative(),
  signalToNoise: z.number().nonnegative().nullable(),
  /** Cosine distance that noise or rounding leave at the true records; null: none. Left out by earlier versions. */
  floor: finite.nullable().optional(),
  /** What limits or explains the numbers. Sentences. */
  remarks: z.array(z.string().min(1)),
  /** Why nothing was tried on this batch; null: it was. */
  untried: z.string().min(1).nullable(),
  methods: z.array(method),
  controls: z.array(control),
  seconds: z.number().nonnegative(),
  pictures: z.array(picture).nullable(),
})
export type CellResult = z.output<typeof cellResultSchema>
