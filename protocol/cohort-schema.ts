/** Who takes part in a round, and how long it waits: the key `cohort` of a run configuration. */
import { z } from 'zod'
import { nameOf, wholeNumber, type ConfigCatalogue } from './config-parts.js'

const size = wholeNumber(1, 1_000_000)
const fraction = z.number().positive().max(1)
export type Take = { readonly size: number } | { readonly fraction: number } | 'all'

/** How long a round waits, and for how many. */
const patienceKeys = {
  minReporters: wholeNumber(0, 1_000_000)
    .default(1)
    .describe(
      'Fewest updates that close a round; 0, for methods that average nothing: a round that nobody answers closes too',
    ),
  deadlineSeconds: z
    .number()
    .positive()
    .max(604_800)
    .default(600)
    .describe('Longest time a round waits for updates'),
  deadline: z
    .enum(['fixed', 'adaptive'])
    .exactOptional()
    .describe(
      'fixed: deadlineSeconds (the default). adaptive: twice the longest time in which four in five of the wanted updates came in the last five rounds of the kind, doubled after an attempt without enough; at least graceSeconds, at most deadlineSeconds',
    ),
  overSelect: z
    .number()
    .min(1)
    .max(10)
    .exactOptional()
    .describe(
      'Asks this many times the wanted members; the round closes as soon as the wanted number has reported. Left out: 1. Simulations, in which nobody is late, ask the wanted number',
    ),
  graceSeconds: z
    .number()
    .min(0)
    .max(86_400)
    .default(15)
    .describe('How long a member that lost its connection is waited for'),
  attempts: wholeNumber(1, 1000)
    .default(3)
    .describe('How often a round with too few reporters is tried before the run fails'),
}

/** People write one of `size`, `fraction` and `all`; the finished configuration says `take`, which is accepted too. */
export const cohortSchema = (catalogue: ConfigCatalogue | null) =>
  z
    .strictObject({
      size: size
        .exactOptional()
        .meta({ title: 'Cohort size' })
        .describe('Sample this many of the available clients each round'),
      fraction: fraction
        .exactOptional()
        .meta({ title: 'Share of clients' })
        .describe('Sample this share of the available clients each round'),
      all: z
        .literal(true)
        .exactOptional()
        .describe('Everyone available takes part in every round (the default)'),
      take: z
        .union([
          z.literal('all'),
          z.strictObject({ size: size.describe('As cohort.size') }),
          z.strictObject({ fraction: fraction.describe('As cohort.fraction') }),
        ])
        .exactOptional()
        .describe(
          "The same in one key, as finished configurations write it: 'all', {size} or {fraction}",
        ),
      sampler: nameOf(catalogue?.samplers).default('uniform').describe('How the cohort is drawn'),
      ...patienceKeys,
    })
    .superRefine((value, context) => {
      const given = ['size', 'fraction', 'all', 'take'].filter((key) => Object.hasOwn(value, key))
      if (given.length > 1) {
        context.addIssue({
          code: 'custom',
          message: `expected one of ${given.join(' and ')}, not both`,
        })
      }
    })
    .transform(({ size, fraction, all: _all, take, ...rest }) => ({
      take: takeOf(take, { size, fraction }),
      ...rest,
    }))

interface Counts {
  readonly size: number | undefined
  readonly fraction: number | undefined
}
function takeOf(take: Take | undefined, { size, fraction }: Counts): Take {
  if (take !== undefined) return take
  if (size !== undefined) return { size }
  return fraction === undefined ? 'all' : { fraction }
}
