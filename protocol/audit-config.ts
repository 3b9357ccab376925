/** What an audit is asked to do: the file of `audit run --config`, and the `audit` key of a run. Docs/audit.md. */
import { z } from 'zod'
import { AUDIT_LEVELS } from './audit-level.js'
import { auditThresholds, DEFAULT_THRESHOLDS } from './audit-thresholds.js'
import { text, wholeNumber } from './config-parts.js'

export const AUDIT_BUDGETS = ['smoke', 'standard', 'thorough'] as const
export type AuditBudgetName = (typeof AUDIT_BUDGETS)[number]

/** Why records may be audited: gifd specification §1. Records without one of these are refused. */
export const CONSENT_BASES = ['synthetic', 'canary', 'public', 'consented'] as const
export type ConsentBasis = (typeof CONSENT_BASES)[number]

const fraction = z.number().min(0).max(1)
/** A share of a data set after one seeded shuffle, so that parts that do not overlap never share a record. */
export const auditData = z.strictObject({
  name: text.describe('A built-in data set or a loader'),
  path: text.exactOptional().describe('Where the loader finds the data'),
  limit: wholeNumber(1, 2 ** 31)
    .exactOptional()
    .describe('Use only this many examples'),
  share: z
    .tuple([fraction, fraction])
    .refine(([from, to]) => from < to, 'the share must not be empty')
    .default([0, 1])
    .describe('Which part, after one shuffle that is the same for every audit: [from, to)'),
})
export type AuditData = z.output<typeof auditData>

const basis = z.enum(CONSENT_BASES)
/** Whose records were audited, for people. */
export const BASIS_WORDS: Readonly<Record<ConsentBasis, string>> = {
  synthetic: 'synthetic: of nobody',
  canary: 'canaries: made for the audit',
  public: 'public',
  consented: 'used with consent',
}

const records = z.strictObject({
  data: auditData.describe('Where the audited records come from'),
  count: wholeNumber(1, 10_000)
    .default(6)
    .describe('Records that are audited, one batch after another'),
  candidates: wholeNumber(2, 100_000)
    .default(100)
    .describe('Among how many a record is to be told, itself counted'),
  basis: basis.exactOptional().describe('Why these records may be audited; without it nothing is'),
})

const rowChange = z.strictObject({
  updates: z
    .array(z.looseObject({ name: z.string() }))
    .exactOptional()
    .describe('Update transforms in place of those of the run'),
  batchSize: wholeNumber(1, 64).exactOptional().describe('Records in one update'),
  localSteps: wholeNumber(1, 100_000).exactOptional().describe('Local steps behind one update'),
  approximation: z
    .enum(['unrolled', 'one-gradient'])
    .exactOptional()
    .describe('unrolled: exact, up to 8 steps. one-gradient: the update taken for one gradient'),
  labels: z.enum(['inferred', 'given']).default('inferred').describe('Whether labels are known'),
  modelState: z.enum(['fresh', 'trained']).exactOptional(),
  clients: wholeNumber(1, 64).default(1).describe('Updates of so many clients are averaged first'),
})

export const auditFileSchema = z.strictObject({
  name: z.string().min(1).max(100).default('audit').describe('What people call the audit'),
  run: z
    .record(z.string(), z.unknown())
    .describe('The run configuration whose updates are audited; `task` may be left out'),
  records,
  auxiliary: auditData
    .exactOptional()
    .describe(
      'Public data an attacker could have, for controls and label inference; left out: as the records, another part',
    ),
  generator: z
    .union([
      z.literal('tiny'),
      z.strictObject({ file: text.describe('What `audit train-generator` wrote') }),
      z.strictObject({ module: text.describe('An ES module that exports a layered generator') }),
      z.strictObject({
        train: z
          .strictObject({
            data: auditData,
            options: z.record(z.string(), z.unknown()).default({}),
          })
          .describe('Trained now, as `audit train-generator` does, and kept for the next time'),
      }),
    ])
    .nullable()
    .default(null)
    .describe('The prior of generative attacks; null: those are left out'),
  generatorClasses: z
    .enum(['task', 'searched'])
    .default('task')
    .describe(
      'task: label i is class i of the generator. searched: it knows other classes, and each record is given the one that fits best',
    ),
  rows: z
    .array(rowChange)
    .min(1)
    .max(100)
    .default([{ labels: 'inferred', clients: 1 }]),
  methods: z.array(z.string()).min(1).exactOptional().describe('Attacks; left out: all that apply'),
  budget: z.enum(AUDIT_BUDGETS).default('standard'),
  iterations: wholeNumber(1, 100_000)
    .exactOptional()
    .describe('Of one stage, in place of the budget'),
  restarts: wholeNumber(1, 100).exactOptional(),
  utilityRounds: wholeNumber(0, 1000)
    .default(0)
    .describe('Rounds that are simulated to tell what each defence costs in accuracy; 0: not told'),
  seed: wholeNumber(0, Number.MAX_SAFE_INTEGER).default(0),
  thresholds: auditThresholds
    .default(DEFAULT_THRESHOLDS)
    .describe('From where on numbers count as a level of risk'),
})
export type AuditFile = z.output<typeof auditFileSchema>
/** A generator that is there. */
export type GeneratorSource = Exclude<AuditFile['generator'], { train: unknown }>
export type AuditRowChange = z.output<typeof rowChange>

/** The `audit` key of a run configuration: the coordinator audits before the first round. */
export const auditGate = z.strictObject({
  when: z.literal('before-run').default('before-run').describe('Before the first round'),
  threshold: z
    .enum(AUDIT_LEVELS)
    .default('elevated')
    .describe('The highest verdict with which the run starts'),
  budget: z.enum(AUDIT_BUDGETS).default('standard').describe('How long it may take'),
  records: auditData
    .extend({
      basis: basis
        .exactOptional()
        .describe('Why these records may be audited; without it nothing is'),
    })
    .exactOptional()
    .describe('Records of the shape of the task; left out: canaries that are drawn'),
  // Of one record nobody could say that it was not told by chance.
  count: wholeNumber(2, 100).default(4).describe('Records that are audited'),
})
export type AuditGate = z.output<typeof auditGate>
