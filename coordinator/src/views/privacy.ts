/**
 * What is kept from everyone where a run promises privacy to its members (threat T25): a loss or a norm of a single member, and who took
 * part when, say more of a member's data than the noise on its updates lets through. What is not named here is not shown.
 */
import type { Diagnostics } from '#protocol/diagnostics.js'
import { isErrorCode } from '#protocol/errors.js'
import type { JsonObject, JsonValue } from '#protocol/json.js'
import type { Metrics, RosterEntry, RoundRecord, RunRecord } from '#protocol/record.js'
import type { RunConfig } from '#protocol/run-config.js'
import type { RunEvent } from '#protocol/ui-messages.js'

/** How people see a run. */
export interface Eyes {
  /** Whether anything about single members is kept from them. */
  readonly areClosed: boolean
  /** What, in sentences without a full stop. */
  readonly hidden: readonly string[]
  record(record: RunRecord): RunRecord
  round(record: RoundRecord): RoundRecord
  member(member: RosterEntry): RosterEntry
  event(event: RunEvent): RunEvent
  reason(reason: string | null): string | null
  /** Whether a metric of the run says nothing of single members. */
  shows(metric: string): boolean
}

type Settings = Pick<RunConfig, 'updates' | 'calibration' | 'task' | 'compute'>

export const eyesOn = (config: Settings): Eyes => (hidesMembers(config) ? closedEyes(config) : OPEN)

/** Whether noise is to hide single members: in their updates, or in what a calibration makes of their statistics. */
export const hidesMembers = ({
  updates = [],
  calibration,
}: Pick<Settings, 'updates' | 'calibration'>): boolean =>
  updates.some(({ name }) => name === 'gaussian-noise') ||
  typeof (calibration as Readonly<Record<string, unknown>> | undefined)?.['epsilon'] === 'number'

const same = <T>(value: T): T => value
const OPEN: Eyes = {
  ...{ areClosed: false, hidden: [], record: same, round: same },
  ...{ member: same, event: same, reason: same, shows: () => true },
}

const HIDDEN: readonly string[] = [
  'Which members a round asked and heard from: their number is shown',
  'Losses, numbers of examples and other measures of single members, and those that compare members',
  'What members hold beyond what the run asks for, and with what they compute',
  'Messages and reasons that name members',
]

function closedEyes({ task, compute }: Settings): Eyes {
  const member = (entry: RosterEntry): RosterEntry => ({
    ...entry,
    card: { inputShape: [...task.inputShape], classes: [...task.classes] },
    // As it is until a member's first update: it would tell who has sent one.
    engine: { backend: compute.backend, version: 'unknown', threads: compute.threads },
  })
  return {
    ...{ areClosed: true, hidden: HIDDEN, member },
    round: closedRound,
    event: ({ seq, at, type, data }) => ({ seq, at, type, data: DATA.get(type)?.(data) ?? {} }),
    ...{ reason: closedReason, shows: isOverAll },
    record: (record) => ({
      ...record,
      reason: closedReason(record.reason),
      roster: record.roster.map(member),
      rounds: record.rounds.map(closedRound),
    }),
  }
}

/** What a later version adds to a record is not shown before it was thought about. */
const OF_ROUNDS = [
  ...(['runId', 'round', 'attempt', 'purpose', 'part', 'population', 'confusion'] as const),
  ...(['modelHash', 'stateHash', 'previous', 'bytesUp', 'bytesDown'] as const),
  ...(['durationMs', 'paceMs', 'closedAt'] as const),
]
type Shown = Pick<RoundRecord, (typeof OF_ROUNDS)[number]>

function closedRound(record: RoundRecord): RoundRecord {
  const { cohort, accepted, metrics, diagnostics } = record
  return {
    ...(Object.fromEntries(
      OF_ROUNDS.flatMap((key) => (key in record ? [[key, record[key]]] : [])),
    ) as unknown as Shown),
    ...{ cohort: [], accepted: [] },
    counts: { asked: cohort.length, accepted: accepted.length },
    metrics: overAll(metrics),
    ...(diagnostics === undefined ? {} : { diagnostics: closedDiagnostics(diagnostics) }),
  }
}

/** Measures of the model, and sums and means over all members: neither the worst of them nor how far they lie apart. */
const OVER_ALL = [
  /^(federated\/)?(accuracy|loss|recall\/.*|accuracy\/domain\/.*)$/,
  /^clients\/(count|accuracy|singleClass|severalClasses\/accuracy|trained|trained\/accuracy)$/,
  /^routing\/(usage\/\d+|effectiveEntries|similarity)$/,
  /^calibration\/(clients|asked|examples|missingClasses|lowRankClasses|jitter)$/,
  /^calibration\/(virtual|real)(Loss|Accuracy)\/(before|after)$/,
  /^(cut|stage|effectiveSteps)$/,
]
const isOverAll = (metric: string): boolean => OVER_ALL.some((pattern) => pattern.test(metric))
const overAll = (metrics: Metrics): Metrics =>
  Object.fromEntries(Object.entries(metrics).filter(([name]) => isOverAll(name)))

function closedDiagnostics({ headNorms, geometry, calibration }: Diagnostics): Diagnostics {
  return {
    ...(headNorms === undefined ? {} : { headNorms }),
    ...(geometry === undefined ? {} : { geometry }),
    ...(calibration === undefined
      ? {}
      : {
          calibration: {
            ...{ answered: [], missing: [], virtual: calibration.virtual },
            classes: calibration.classes.map((one) => ({
              ...one,
              ...{ clients: null, betweenClients: null },
            })),
          },
        }),
  }
}

type Data = (data: JsonObject) => JsonObject

const keeping =
  (...keys: readonly string[]): Data =>
  (data) =>
    Object.fromEntries(keys.flatMap((key) => (key in data ? [[key, data[key] as JsonValue]] : [])))
/** The number of slots in place of the slots. */
const counted = (data: JsonObject, key: string): JsonObject => {
  const slots = data[key]
  return Array.isArray(slots) ? { [key]: slots.length } : {}
}
const reasoned = (data: JsonObject): JsonObject => {
  const { reason } = data
  return { reason: typeof reason === 'string' ? closedReason(reason) : null }
}

/** What is left of the data of each type of event; of others nothing. */
const DATA: ReadonlyMap<string, Data> = new Map<string, Data>([
  ['run:started', keeping('name', 'engine')],
  ['run:waiting', (data) => ({ ...keeping('available', 'needed')(data), ...reasoned(data) })],
  ['run:resumed', keeping('round')],
  ['run:stopped', reasoned],
  ['run:failed', reasoned],
  ['audit:progress', keeping('done', 'total', 'secondsLeft')],
  ['audit:finished', keeping('verdict', 'isSound', 'obstacles', 'because')],
  [
    'round:opened',
    (data) => ({
      ...keeping('round', 'attempt', 'purpose', 'part', 'deadlineSeconds')(data),
      ...counted(data, 'cohort'),
    }),
  ],
  [
    'round:waiting-for',
    (data) => ({ ...keeping('round', 'attempt')(data), ...counted(data, 'slots') }),
  ],
  ['round:abandoned', (data) => ({ ...keeping('round', 'attempt')(data), ...reasoned(data) })],
  [
    'round:closed',
    ({ record }) => ({
      record: closedRound(record as unknown as RoundRecord) as unknown as JsonObject,
    }),
  ],
  ['update:accepted', keeping('round', 'attempt')],
  ['update:refused', keeping('round', 'attempt', 'code')],
  ['task:failed', keeping('round', 'attempt', 'code')],
  ['member:refused', keeping('code')],
])

/** Beginnings of reasons that name nobody; what follows them may. */
const REASONS = [
  /^Stopped by a person$/,
  /^Round \d+ got \d+ of at least \d+ reporters in attempt \d+ of \d+/,
  /^Round \d+ has heard from \d+ of \d+ members and waits at most \d+ s more/,
  /^\d+ of at least \d+ members are available(; \d+ more have nothing to train on)?/,
  /^The privacy audit before the first round waits for that of another run$/,
  /^The privacy audit before the first round: \d+ of \d+ parts done(, about [\d.]+ (s|min|h) left)?$/,
  // Audits are of records of nobody.
  /^audit\/[a-z-]+: .*$/s,
]
const UNTOLD = 'The reason is hidden: it may name members'

const REFUSAL = /^\. \d+ of \d+ connected nodes do(es)? not allow /
const REMEDY = 'Their owners can: '
/** What policies do not allow, and of how many nodes, before anything that names one. */
function policiesIn(rest: string): string {
  const remedy = rest.indexOf(REMEDY)
  if (!REFUSAL.test(rest) || remedy === -1) return ''
  const end = rest.indexOf('. ', remedy)
  return end === -1 ? rest : rest.slice(0, end) + policiesIn(rest.slice(end))
}

function closedReason(reason: string | null): string | null {
  if (reason === null) return null
  const begun = REASONS.flatMap((pattern) => pattern.exec(reason)?.[0] ?? []).at(0)
  if (begun !== undefined) return begun + policiesIn(reason.slice(begun.length))
  const [code = ''] = reason.split(':')
  return isErrorCode(code) ? code : UNTOLD
}
