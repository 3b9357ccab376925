/** What the calibrations of a run did: the model before and after each, who was heard, which classes stayed as they were. */
import type { CalibratedClass, Diagnostics } from '#protocol/diagnostics.js'
import type { Slot } from '#protocol/ids.js'
import type { Metrics, RoundRecord, RunRecord } from '#protocol/record.js'
import { meanAndSpread, type Spread } from './numbers.js'
import { aboutOf, scoredRound } from './trajectories.js'

/** Of one model on one set of examples. */
export interface Scores {
  readonly accuracy: number
  /** Nats; null where it was not measured. */
  readonly loss: number | null
  /** By class, in label order; empty where it was not measured. */
  readonly recall: ReadonlyMap<string, number>
}
export interface Member {
  readonly slot: Slot
  readonly name: string
}
export interface WorstClass {
  readonly name: string
  readonly recall: number
}
export interface Calibrated {
  /** The round that made the calibrated model, and the one that made the model which it corrects. */
  readonly round: number
  readonly of: number
  /** Whose examples `before` and `after` are scored on; null where both were not measured. */
  readonly scoredBy: 'coordinator' | 'clients' | null
  readonly before: Scores | null
  readonly after: Scores | null
  /** Accuracy after less accuracy before. */
  readonly gain: number | null
  readonly worstBefore: WorstClass | null
  readonly worstAfter: WorstClass | null
  /** How many were asked, and how many answered: also where privacy settings hide who, and the lists below are empty. */
  readonly counts: { readonly asked: number; readonly answered: number }
  readonly answered: readonly Member[]
  /** Was asked, and did not answer in time or not with what counts. */
  readonly silent: readonly Member[]
  /** In the roster, and never asked. */
  readonly unasked: readonly Member[]
  /** Empty where the calibration tells nothing of classes. */
  readonly classes: readonly CalibratedClass[]
  readonly virtual: NonNullable<Diagnostics['calibration']>['virtual'] | null
  readonly metrics: Metrics
  readonly bytesUp: number
  readonly bytesDown: number
  readonly durationMs: number
}

/** In the order of their rounds. One whose last round is not closed yet is not among them. */
export function calibrationsOf(run: RunRecord): readonly Calibrated[] {
  return stretches(run.rounds)
    .filter(({ last }) => isOver(run, last))
    .flatMap((stretch) => calibrated(run, stretch))
}

/** The one that the run's model came out of; of runs that calibrate again and again, the latest. */
export const lastCalibration = (run: RunRecord): Calibrated | null =>
  calibrationsOf(run).at(-1) ?? null

/** Places of the first and the last round of a calibration among the run's rounds. */
interface Stretch {
  readonly first: number
  readonly last: number
}
function stretches(rounds: readonly RoundRecord[]): readonly Stretch[] {
  const found: Stretch[] = []
  for (const [at, { part }] of rounds.entries()) {
    if (part !== 'calibration') continue
    const open = found.at(-1)
    if (open?.last === at - 1) found[found.length - 1] = { ...open, last: at }
    else found.push({ first: at, last: at })
  }
  return found
}

/** Rounds before the last one gather and release the same model as before. */
const isOver = ({ rounds, state }: RunRecord, last: number): boolean =>
  last + 1 < rounds.length ||
  state === 'finished' ||
  rounds[last]?.diagnostics?.calibration !== undefined ||
  rounds[last]?.modelHash !== rounds[last - 1]?.modelHash

function calibrated(run: RunRecord, { first, last }: Stretch): readonly Calibrated[] {
  const rounds = run.rounds.slice(first, last + 1)
  const closing = rounds.at(-1)
  if (closing === undefined) return []
  const corrected = scoredRound(run, first, 'received')
  const told = closing.diagnostics?.calibration
  const scores = scoresOf(run, corrected, closing)
  const { before, after } = scores
  const sum = (key: 'bytesUp' | 'bytesDown' | 'durationMs'): number =>
    rounds.reduce((total, round) => total + round[key], 0)
  return [
    {
      round: closing.round,
      of: corrected?.round ?? 0,
      ...scores,
      gain: before === null || after === null ? null : after.accuracy - before.accuracy,
      worstBefore: worstOf(before),
      worstAfter: worstOf(after),
      ...heard(run, rounds),
      classes: told?.classes ?? [],
      virtual: told?.virtual ?? null,
      metrics: closing.metrics,
      ...{ bytesUp: sum('bytesUp'), bytesDown: sum('bytesDown'), durationMs: sum('durationMs') },
    },
  ]
}

type Compared = Pick<Calibrated, 'scoredBy' | 'before' | 'after'>
/** On the coordinator's examples where both models were scored on them, else on those of the clients. */
function scoresOf(
  run: RunRecord,
  corrected: RoundRecord | undefined,
  closing: RoundRecord,
): Compared {
  const candidates = (['', 'federated/'] as const).map((prefix) => ({
    scoredBy: prefix === '' ? ('coordinator' as const) : ('clients' as const),
    before: corrected === undefined ? null : scoresAbout(run, corrected, prefix),
    after: scoresAbout(run, closing, prefix),
  }))
  const whole = candidates.find(({ before, after }) => before !== null && after !== null)
  const half = candidates.find(({ before, after }) => before !== null || after !== null)
  return whole ?? { scoredBy: null, before: half?.before ?? null, after: half?.after ?? null }
}

/** The latest scores of the model that a round made. */
function scoresAbout(run: RunRecord, made: RoundRecord, prefix: '' | 'federated/'): Scores | null {
  const about = aboutOf(`${prefix}accuracy`)
  const told = run.rounds.findLast(
    ({ metrics }, at) =>
      metrics[`${prefix}accuracy`] !== undefined && scoredRound(run, at, about) === made,
  )
  const accuracy = told?.metrics[`${prefix}accuracy`]
  if (told === undefined || accuracy === undefined) return null
  const recall = run.config.task.classes.flatMap((name) => {
    const value = told.metrics[`${prefix}recall/${name}`]
    return value === undefined ? [] : [[name, value] as const]
  })
  return { accuracy, loss: told.metrics[`${prefix}loss`] ?? null, recall: new Map(recall) }
}

/** The first in label order, where several are as bad. */
const worstOf = (scores: Scores | null): WorstClass | null =>
  [...(scores?.recall ?? [])]
    .map(([name, recall]): WorstClass => ({ name, recall }))
    .reduce<WorstClass | null>(
      (worst, one) => (worst === null || one.recall < worst.recall ? one : worst),
      null,
    )

/** In the last round: what was gathered before counts only where its client answered to the end. */
function heard(
  { roster }: RunRecord,
  rounds: readonly RoundRecord[],
): Pick<Calibrated, 'counts' | 'answered' | 'silent' | 'unasked'> {
  const last = rounds.at(-1)
  if (last?.counts !== undefined) {
    const { asked, accepted } = last.counts
    return { counts: { asked, answered: accepted }, answered: [], silent: [], unasked: [] }
  }
  const answered = new Set(last?.accepted.map(({ slot }) => slot))
  const asked = new Set(rounds.flatMap(({ cohort }) => cohort))
  const names = new Map(roster.map(({ slot, name }) => [slot, name]))
  const members = (slots: Iterable<Slot>): readonly Member[] =>
    [...slots]
      .sort((a, b) => a - b)
      .map((slot) => ({ slot, name: names.get(slot) ?? `slot ${slot}` }))
  const silent = members([...asked].filter((slot) => !answered.has(slot)))
  return {
    counts: { asked: answered.size + silent.length, answered: answered.size },
    answered: members(answered),
    silent,
    unasked: members([...names.keys()].filter((slot) => !asked.has(slot))),
  }
}

/** As the last line of a command tells it to scripts. */
export interface CalibrationSummary {
  readonly round: number
  /** Accuracies, and what was won. */
  readonly before: number | null
  readonly after: number | null
  readonly gain: number | null
  /** Recall of the class that is recognised worst. */
  readonly worstBefore: number | null
  readonly worstAfter: number | null
  readonly answered: number
  readonly asked: number
  /** Names of members whose examples are not in it. */
  readonly without: readonly string[]
}
export const calibrationSummary = (of: Calibrated): CalibrationSummary => ({
  round: of.round,
  before: of.before?.accuracy ?? null,
  after: of.after?.accuracy ?? null,
  gain: of.gain,
  worstBefore: of.worstBefore?.recall ?? null,
  worstAfter: of.worstAfter?.recall ?? null,
  ...of.counts,
  without: [...of.silent, ...of.unasked].map(({ name }) => name),
})

/** Over runs of one configuration; null where nothing was measured. */
export interface CalibrationMeans {
  /** Runs that were calibrated, and whose model was scored before and after if any's was. */
  readonly runs: number
  readonly before: number | null
  readonly after: number | null
  readonly gain: number | null
  /** Sample standard deviation of the gain; null for fewer than two runs. */
  readonly spread: number | null
  readonly worstBefore: number | null
  readonly worstAfter: number | null
  /** Of the members that were asked in all runs together. */
  readonly answered: number
  readonly asked: number
}

/** Null where no run was calibrated. All means are over the same runs, so that the gain is the difference of the accuracies. */
export function calibrationMeans(
  summaries: readonly (CalibrationSummary | null)[],
): CalibrationMeans | null {
  const there = summaries.filter((one) => one !== null)
  const scored = there.filter(({ gain }) => gain !== null)
  const over = scored.length > 0 ? scored : there
  if (over.length === 0) return null
  const known = (of: (one: CalibrationSummary) => number | null): Spread | null => {
    const values = over.map(of).filter((value) => value !== null)
    return values.length < over.length ? null : meanAndSpread(values)
  }
  const gain = known((one) => one.gain)
  const sum = (key: 'answered' | 'asked'): number =>
    over.reduce((total, one) => total + one[key], 0)
  return {
    runs: over.length,
    before: known(({ before }) => before)?.mean ?? null,
    after: known(({ after }) => after)?.mean ?? null,
    gain: gain?.mean ?? null,
    spread: gain === null || over.length < 2 ? null : gain.spread,
    worstBefore: known(({ worstBefore }) => worstBefore)?.mean ?? null,
    worstAfter: known(({ worstAfter }) => worstAfter)?.mean ?? null,
    ...{ answered: sum('answered'), asked: sum('asked') },
  }
}
