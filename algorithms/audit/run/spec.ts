import type {
  AuditBudgetName,
  AuditData,
  AuditFile,
  AuditRowChange,
  ConsentBasis,
} from '#protocol/audit-config.js'
import { MOST_UNROLLED_STEPS, settingsOf, stepsOf } from '#protocol/audit-settings.js'
import type { AuditThresholds } from '#protocol/audit-thresholds.js'
import { asFederationError, FederationError } from '#protocol/errors.js'
import type { Hash } from '#protocol/ids.js'
import { canonicalJson } from '#protocol/json.js'
import { parseRunConfig, type Choice, type RunConfig } from '#protocol/run-config.js'
import { unwrap } from '#protocol/result.js'
import { formatDataSource } from '#data/index.js'
import { ATTACKS, type AttackBudget, type AttackName } from '#algorithms/audit/attack.js'
import { configCatalogue } from '#algorithms/catalogue.js'
import { assertPossible } from '#algorithms/from-config.js'
import type { BackendName } from '#algorithms/tensor/backends.js'
import { settingsReasons } from '#algorithms/audit/target/auditable.js'
import { assertConsent } from '#algorithms/audit/target/records.js'
import { BUDGETS } from './budgets.js'

/** Data by name. `hash` tells their rows where the name does not fix them; null: it does. */
export interface AuditSource extends AuditData {
  readonly hash: Hash | null
}

/** One combination of a defence, a batch and what the attacker knows. Nothing is left to a default. */
export interface RowSpec {
  /** Unique in the audit, readable: `2-clip-gaussian-noise-b8-k1`. */
  readonly id: string
  /** In order, as in a run configuration; empty: none. */
  readonly updates: readonly Choice[]
  readonly batchSize: number
  readonly localSteps: number
  readonly approximation: 'unrolled' | 'one-gradient'
  readonly labels: 'inferred' | 'given'
  readonly modelState: 'fresh' | 'trained'
  readonly clients: number
}

/** Everything an audit's numbers depend on, as plain JSON: it can be sent to another process, kept, and hashed. */
export interface AuditSpec {
  readonly name: string
  /** The run whose updates are audited. Its seed draws fresh params. */
  readonly run: RunConfig
  readonly rows: readonly RowSpec[]
  readonly records: {
    readonly data: AuditSource
    /** Wanted; every row rounds up to whole batches. */
    readonly count: number
    /** Among how many a record is to be told; fewer where the data do not have so many. */
    readonly candidates: number
    readonly basis: ConsentBasis
  }
  readonly auxiliary: AuditSource
  readonly generator: { readonly kind: 'tiny' | 'file' | 'module'; readonly hash: Hash } | null
  /** searched: its classes are not those of the task. */
  readonly generatorClasses: 'task' | 'searched'
  /** Null: all that apply, and none after an exact analytic leak. */
  readonly methods: readonly AttackName[] | null
  readonly budgetName: AuditBudgetName
  readonly budget: AttackBudget
  /** Batches of one row at most; null: as many as the records make. */
  readonly batches: number | null
  readonly utilityRounds: number
  readonly thresholds: AuditThresholds
  readonly seed: number
  readonly compute: { readonly backend: BackendName; readonly threads: number }
}

/** What a specification needs beside the file: what other folders looked up. */
export interface SpecParts {
  /** Complete. */
  readonly run: RunConfig
  readonly records: AuditSource
  readonly auxiliary: AuditSource
  readonly generator: AuditSpec['generator']
  readonly compute: AuditSpec['compute']
}

/**
 * The complete specification of an audit. Throws `audit/not-auditable` for settings of which no update can be simulated,
 * `audit/no-consent` when the records have no basis, `config/unknown-name` for an attack that there is not,
 * `config/impossible` for a row that cannot be.
 */
export function auditSpec(file: AuditFile, parts: SpecParts): AuditSpec {
  const { name, records, budget: budgetName, seed, thresholds, utilityRounds } = file
  assertSettings(parts.run)
  const basis = consentedBasis(records.basis, formatDataSource(parts.records))
  assertApart(parts)
  const { attack, batches } = BUDGETS[budgetName]
  return {
    ...{ name, run: parts.run, budgetName, seed, thresholds, utilityRounds },
    rows: file.rows.map((change, index) => rowSpec(parts.run, change, index)),
    records: {
      data: parts.records,
      count: records.count,
      candidates: records.candidates,
      basis,
    },
    auxiliary: parts.auxiliary,
    ...{ generator: parts.generator, generatorClasses: file.generatorClasses },
    methods: file.methods?.map(attackNamed) ?? null,
    budget: {
      ...attack,
      stageIterations: file.iterations ?? attack.stageIterations,
      restarts: file.restarts ?? attack.restarts,
    },
    batches: Number.isFinite(batches) ? batches : null,
    compute: parts.compute,
  }
}

function consentedBasis(basis: ConsentBasis | undefined, description: string): ConsentBasis {
  assertConsent({ basis, description })
  return basis as ConsentBasis
}

/** What needs the model, every cell asks. */
function assertSettings(run: RunConfig): void {
  const reasons = settingsReasons(run)
  if (reasons.length > 0) throw new FederationError('audit/not-auditable', reasons.join('. '))
}

/** Controls that have seen the audited records would hide what the update adds. */
function assertApart({ records, auxiliary }: SpecParts): void {
  const sourceOf = ({ share: _share, hash: _hash, ...source }: AuditSource): string =>
    canonicalJson(source)
  const isSame = sourceOf(records) === sourceOf(auxiliary)
  const [[from, to], [others, until]] = [records.share, auxiliary.share]
  if (!isSame || to <= others || until <= from) return
  throw new FederationError(
    'config/impossible',
    'auxiliary and records.data have records in common; give them shares that do not overlap',
  )
}

function attackNamed(name: string): AttackName {
  const found = ATTACKS.find((one) => one === name)
  if (found !== undefined) return found
  throw new FederationError(
    'config/unknown-name',
    `methods: there is no attack ${name}; there are ${ATTACKS.join(', ')}`,
  )
}

/** The largest batch that is audited where a run's own is larger: more records in an update show less of each. */
const LARGEST_BATCH = 64

function rowSpec(run: RunConfig, change: AuditRowChange, index: number): RowSpec {
  const settings = settingsOf(run)
  const updates = change.updates === undefined ? (run.updates ?? []) : completed(run, change, index)
  const batchSize = change.batchSize ?? Math.min(run.training.batchSize, LARGEST_BATCH)
  const localSteps = change.localSteps ?? stepsOf(settings, batchSize)
  const approximation =
    change.approximation ?? (localSteps <= MOST_UNROLLED_STEPS ? 'unrolled' : 'one-gradient')
  const modelState = change.modelState ?? (run.startFrom === null ? 'fresh' : 'trained')
  const { labels, clients } = change
  const row = { updates, batchSize, localSteps, approximation, labels, modelState, clients }
  assertRow(run, row, index)
  return { id: idOf(row, index), ...row }
}

/** A row's own transforms with all their options. Throws what a run with them throws when it is created. */
function completed(
  run: RunConfig,
  { updates = [] }: AuditRowChange,
  index: number,
): readonly Choice[] {
  const { updates: _own, ...rest } = run
  const changed = updates.length === 0 ? rest : { ...rest, updates }
  const config = parseRunConfig(changed, configCatalogue())
  try {
    const complete = unwrap(config)
    assertPossible(complete)
    return complete.updates ?? []
  } catch (cause) {
    const { code, message } = asFederationError(cause)
    throw new FederationError(code, `rows[${index}]: ${message}`, { cause })
  }
}

function assertRow(run: RunConfig, row: Omit<RowSpec, 'id'>, index: number): void {
  const problem = problemOf(run, row)
  if (problem !== null) throw new FederationError('config/impossible', `rows[${index}]: ${problem}`)
}

function problemOf(run: RunConfig, row: Omit<RowSpec, 'id'>): string | null {
  if (row.modelState === 'trained' && run.startFrom === null)
    return 'modelState trained needs params of a trained model; name them in run.startFrom'
  if (row.approximation === 'unrolled' && row.localSteps > MOST_UNROLLED_STEPS)
    return `${row.localSteps} local steps are too many to unroll; set approximation to one-gradient, or localSteps to ${MOST_UNROLLED_STEPS} or fewer`
  const perEpoch = stepsPerEpoch(run, row)
  return row.localSteps % perEpoch === 0
    ? null
    : `${row.localSteps} local steps are no whole epochs of ${row.batchSize} records in batches of ${run.training.batchSize}, which take ${perEpoch}`
}

const stepsPerEpoch = (
  { training }: RunConfig,
  { batchSize }: Pick<RowSpec, 'batchSize'>,
): number => Math.ceil(batchSize / training.batchSize)

function idOf(row: Omit<RowSpec, 'id'>, index: number): string {
  const { updates, batchSize, localSteps, labels, clients } = row
  const defence = updates.length === 0 ? 'none' : updates.map(({ name }) => name).join('-')
  return [
    ...[index + 1, defence, `b${batchSize}`, `k${localSteps}`],
    ...(row.approximation === 'one-gradient' ? ['one-gradient'] : []),
    ...(labels === 'given' ? ['labels-given'] : []),
    ...(row.modelState === 'trained' ? ['trained'] : []),
    ...(clients > 1 ? [`n${clients}`] : []),
  ].join('-')
}

/** The run as one of the row's clients performs it: its own transforms and steps, and nothing that only rounds need. */
export function rowConfig({ run }: Pick<AuditSpec, 'run'>, row: RowSpec): RunConfig {
  const { updates: _updates, calibration: _calibration, ...rest } = run
  const localEpochs = row.localSteps / stepsPerEpoch(run, row)
  return {
    ...rest,
    ...(row.updates.length === 0 ? {} : { updates: row.updates }),
    ...(row.modelState === 'fresh' ? { startFrom: null } : {}),
    training: { ...run.training, localEpochs },
  }
}
