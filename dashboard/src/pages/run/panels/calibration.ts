/** What the latest calibration of a run did: the model before and after it, class by class. */
import type { CalibratedClass, Diagnostics } from '#protocol/diagnostics.js'
import type { Metrics, RoundRecord } from '#protocol/record.js'

export interface Scores {
  readonly accuracy: number | null
  readonly loss: number | null
  /** By class; null where it was not scored. */
  readonly recall: readonly (number | null)[]
}
export interface Calibration {
  readonly round: number
  /** Whose examples both models are scored on; null: one of them was not scored. */
  readonly scoredBy: 'coordinator' | 'clients' | null
  readonly before: Scores
  readonly after: Scores
  /** Asked, and answered with what counts. */
  readonly answered: number
  readonly asked: number
  readonly classes: readonly CalibratedClass[]
  readonly virtual: NonNullable<Diagnostics['calibration']>['virtual'] | null
}

/** A calibration is among the last rounds, with those before it that it is compared with. */
export const LAST_ROUNDS = 8

/** Null where none of the rounds, which ascend, is of a calibration. */
export function calibrationOf(
  rounds: readonly RoundRecord[],
  classes: readonly string[],
): Calibration | null {
  const at = rounds.findLastIndex(({ part }) => part === 'calibration')
  const made = rounds[at]
  if (made === undefined) return null
  // Scores of the coordinator are told with the model that they are of.
  const trained = rounds
    .slice(0, at)
    .findLast(({ part, metrics }) => part !== 'calibration' && metrics['accuracy'] !== undefined)
  const central = pairOf(trained?.metrics, made.metrics, { prefix: '', classes })
  // Those of clients with the next one: they score what they receive.
  const next = rounds[at + 1]
  const clients = pairOf(made.metrics, next?.metrics, { prefix: 'federated/', classes })
  const [scoredBy, { before, after }] =
    central !== null
      ? (['coordinator', central] as const)
      : clients !== null
        ? (['clients', clients] as const)
        : ([null, { before: NOTHING, after: NOTHING }] as const)
  const told = made.diagnostics?.calibration
  return {
    ...{ round: made.round, scoredBy, before, after },
    answered: made.metrics['calibration/clients'] ?? made.counts?.accepted ?? made.accepted.length,
    asked: made.metrics['calibration/asked'] ?? made.counts?.asked ?? made.cohort.length,
    classes: told?.classes ?? [],
    virtual: told?.virtual ?? null,
  }
}

const NOTHING: Scores = { accuracy: null, loss: null, recall: [] }
interface Told {
  readonly prefix: string
  readonly classes: readonly string[]
}
function pairOf(
  before: Metrics | undefined,
  after: Metrics | undefined,
  told: Told,
): { readonly before: Scores; readonly after: Scores } | null {
  const pair = { before: scoresOf(before, told), after: scoresOf(after, told) }
  return pair.before.accuracy === null || pair.after.accuracy === null ? null : pair
}
const scoresOf = (metrics: Metrics = {}, { prefix, classes }: Told): Scores => ({
  accuracy: metrics[`${prefix}accuracy`] ?? null,
  loss: metrics[`${prefix}loss`] ?? null,
  recall: classes.map((name) => metrics[`${prefix}recall/${name}`] ?? null),
})

/** `+5.90 points` */
export const points = (difference: number): string =>
  `${difference > 0 ? '+' : ''}${(difference * 100).toFixed(2)} points`
