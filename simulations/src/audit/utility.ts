/** What transforms cost in accuracy: short simulated runs with them. Gifd specification §11. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { asFederationError, FederationError } from '#protocol/errors.js'
import { canonicalJson } from '#protocol/json.js'
import { parseRunConfig, type RunConfig } from '#protocol/run-config.js'
import { unwrap } from '#protocol/result.js'
import { configCatalogue } from '#algorithms/catalogue.js'
import { updateTransformsOf } from '#algorithms/from-config.js'
import { rowConfig, type AuditSpec, type RowSpec } from '#algorithms/audit/run/spec.js'
import { describeTransforms } from '#algorithms/update-transforms/apply.js'
import { summarise } from '#simulations/report/summary.js'
import { simulate } from '#simulations/simulate.js'
import { groupBy } from '#simulations/studies/table.js'

export interface UtilityOptions {
  readonly workers: number
  readonly signal?: AbortSignal
  /** Told before each simulated run; `index` counts from 0. */
  readonly onRun?: (index: number, of: number) => void
}

export interface Utility {
  /** Accuracy after `utilityRounds` by the id of the row: the same for rows that differ in anything but their transforms. */
  readonly accuracy: ReadonlyMap<string, number>
  /** Of transforms with which no run comes to an end. Sentences. */
  readonly remarks: readonly string[]
}

/**
 * Nothing where it was not asked for. Throws `config/impossible` where the run says neither on which data clients train nor
 * where it is scored, and `audit/interrupted`.
 */
export async function measureUtility(spec: AuditSpec, options: UtilityOptions): Promise<Utility> {
  if (spec.utilityRounds === 0) return { accuracy: new Map(), remarks: [] }
  assertMeasurable(spec.run)
  const rowsBy = groupBy(spec.rows, ({ updates }) => canonicalJson(updates))
  const found = new Map<string, number>()
  const remarks: string[] = []
  for (const [index, rows] of [...rowsBy.values()].entries()) {
    const [first] = rows
    if (first === undefined) continue
    options.onRun?.(index, rowsBy.size)
    try {
      const accuracy = await accuracyWith(spec, first, options)
      for (const { id } of rows) found.set(id, accuracy)
    } catch (cause) {
      const transforms = updateTransformsOf(rowConfig(spec, first))
      remarks.push(remarkOn(describeTransforms(transforms), cause))
    }
  }
  return { accuracy: found, remarks }
}

/** Transforms can be too much for any training: then that is what they cost. Throws anything else. */
function remarkOn(defence: string, cause: unknown): string {
  const { code, message } = asFederationError(cause)
  const isOfTraining =
    code.startsWith('update/') || code.startsWith('round/') || code === 'algorithm/failed'
  if (!isOfTraining) throw cause
  return `With these transforms a simulated run came to no end (${defence}): ${message}`
}

function assertMeasurable({ data, evaluation }: RunConfig): void {
  if (data !== null && (evaluation.central !== null || evaluation.federated)) return
  throw new FederationError(
    'config/impossible',
    'utilityRounds simulates the run, and run says too little for it: set run.data, and run.evaluation.central or run.evaluation.federated',
  )
}

async function accuracyWith(
  { run, utilityRounds, compute }: AuditSpec,
  { updates }: RowSpec,
  { workers, signal }: UtilityOptions,
): Promise<number> {
  const { audit: _audit, updates: _updates, calibration: _calibration, ...rest } = run
  const { diagnostics: _diagnostics, ...evaluation } = run.evaluation
  const config = unwrap(
    parseRunConfig(
      {
        ...rest,
        ...(updates.length === 0 ? {} : { updates }),
        ...{ rounds: utilityRounds, compute },
        evaluation: { ...evaluation, every: utilityRounds, earlyStop: null },
      },
      configCatalogue(),
    ),
  )
  const directory = await mkdtemp(join(tmpdir(), 'tributary-utility-'))
  try {
    const { record } = await simulate(config, {
      ...{ workers, runsDirectory: directory },
      ...(signal === undefined ? {} : { signal }),
    })
    if (signal?.aborted === true)
      throw new FederationError('audit/interrupted', 'The audit was interrupted')
    const { accuracy } = summarise(record)
    if (accuracy === null)
      throw new FederationError('internal/bug', 'The simulated run was not scored')
    return accuracy
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
