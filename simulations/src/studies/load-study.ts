import { FederationError } from '#protocol/errors.js'
import type { Hash } from '#protocol/ids.js'
import { canonicalJson } from '#protocol/json.js'
import type { RunConfig, RunConfigInput, TaskConfig } from '#protocol/run-config.js'
import { assertPossible } from '#algorithms/from-config.js'
import { sourcesOfConfig } from '#simulations/client-data.js'
import { completeInput, readExperiment, taskOfData, type TaskOf } from '#simulations/experiments.js'
import { createStarts, type StartOf } from '#simulations/start-from.js'
import { parseStudyFile, REFERENCE, type Named, type StudyFile } from './study-file.js'
import { plannedRuns, type PlannedRun, type StudyAxes } from './study-plan.js'

/** One run of a study. */
export interface Cell {
  readonly setting: string
  readonly variant: string
  readonly seed: number
  /** Where `startsFrom` names a variant, its `startFrom` stands for a hash that is known when that variant's run is over. */
  readonly config: RunConfig
  /** The variant whose final model, in the same setting and of the same seed, it starts from; null: what `config` says. */
  readonly startsFrom: string | null
}
/** Several methods (variants) in several settings with several seeds: a run for each combination. */
export interface Study {
  readonly name: string
  /** The variant that is the base configuration itself, named after its method. */
  readonly base: string
  /** The variant that gains are counted over; null: the gain of the base over each is. */
  readonly baseline: string | null
  /** The metric that variants are compared by; null: accuracy. */
  readonly measure: string | null
  readonly seeds: readonly number[]
  /** What is run, and what each changes; the base and the reference change nothing. */
  readonly variants: readonly Named[]
  readonly settings: readonly Named[]
  /** By setting, then by variant, then by seed; the reference and the base come first, and nothing before what it starts from. */
  readonly cells: readonly Cell[]
}
export interface StudyOptions {
  /** `key.path=value` for the base, before variants and settings change it. */
  readonly overrides?: readonly string[]
  /** Default: the seed of the base. */
  readonly seeds?: readonly number[]
  /** Names of the variants to run, with those that they start from; default: all. */
  readonly only?: readonly string[]
  /** Makes or reads what runs start from. */
  readonly startOf?: StartOf
}

/**
 * Every run that an experiment file describes. Each is parsed and checked, so that none fails for its configuration after
 * hours of others. Throws what reading and parsing throw, with the variant and the setting in front of the message.
 */
export async function loadStudy(nameOrPath: string, options: StudyOptions = {}): Promise<Study> {
  const file = parseStudyFile(await readExperiment(nameOrPath, options.overrides))
  const taskOf = onceBySource(taskOfData)
  const check = (input: RunConfigInput) => completeInput(input, { taskOf, startOf: toBeMade })
  const base = await check(file.base)
  const seeds = [...new Set(options.seeds ?? [base.seed])]
  const axes = axesOf(file, base)
  assertVariants(axes, [
    ...(options.only ?? []),
    ...(file.baseline === null ? [] : [file.baseline]),
  ])
  const drafts = plannedRuns(axes, options.only ?? null).flatMap((run) =>
    seeds.map((seed) => draftOf(run, seed)),
  )
  const checked = new Map<string, RunConfig>()
  for (const draft of drafts) {
    const config = await placed(draft.place, check(draft.input).then(possible))
    assertSameModel(draft, config, checked.get(keyOf(draft, draft.startsFrom)))
    checked.set(keyOf(draft, draft.variant), config)
  }

  // Making a start can take minutes: not before all else is right.
  const resolvers = { taskOf, startOf: options.startOf ?? createStarts() }
  const cells: Cell[] = []
  for (const { place, input, ...cell } of drafts)
    cells.push({ ...cell, config: await placed(place, completeInput(input, resolvers)) })
  const { name, method } = base
  const { settings, variants } = axes
  return {
    ...{ name, base: method.name, baseline: file.baseline, measure: file.measure, seeds, settings },
    variants: variants.filter((one) => cells.some(({ variant }) => variant === one.name)),
    cells,
  }
}

/** A hash that stands for a start which is described and not made yet. */
const TO_BE_MADE = '0'.repeat(64) as Hash
const toBeMade: StartOf = () => Promise.resolve(TO_BE_MADE)

/** Throws `config/invalid` for names that are taken. */
function axesOf(file: StudyFile, { name, method: { name: base } }: RunConfig): StudyAxes {
  if (file.variants.some(({ name }) => name === base))
    throw invalid(`variants.${base}: the base configuration has this name, after its method`)
  if (file.settings.some(({ name }) => name === REFERENCE))
    throw invalid(`settings.${REFERENCE}: the base configuration is the setting of this name`)
  return {
    ...{ file, name, base },
    variants: [{ name: base, overrides: {} }, ...file.variants],
    settings: [{ name: REFERENCE, overrides: {} }, ...file.settings],
  }
}

/** Throws `config/unknown-name`. */
function assertVariants({ variants }: StudyAxes, named: readonly string[]): void {
  const unknown = named.find((name) => variants.every((variant) => variant.name !== name))
  if (unknown === undefined) return
  const names = variants.map(({ name }) => name).join(', ')
  throw new FederationError(
    'config/unknown-name',
    `There is no variant '${unknown}'; there are ${names}`,
  )
}

/** A cell as it would be written in a file of its own, and how messages call it. */
interface Draft extends Omit<Cell, 'config'> {
  readonly input: RunConfigInput
  readonly place: string
}
const draftOf = ({ input, ...run }: PlannedRun, seed: number): Draft => ({
  ...{ ...run, seed },
  input: { ...input, ...(run.startsFrom === null ? {} : { startFrom: TO_BE_MADE }), seed },
})
const keyOf = ({ setting, seed }: Draft, variant: string | null): string =>
  JSON.stringify([setting, variant, seed])

/** A run can go on only from params of its own model. */
function assertSameModel(
  { startsFrom, place }: Draft,
  { model, task }: RunConfig,
  start: RunConfig | undefined,
): void {
  if (start === undefined || canonicalJson({ model, task }) === canonicalJson(modelOf(start)))
    return
  throw new FederationError(
    'config/impossible',
    `In ${place}: startFrom: ${startsFrom} trains another model or has other data: ${canonicalJson(start.model)}, not ${canonicalJson(model)}`,
  )
}
const modelOf = ({ model, task }: RunConfig) => ({ model, task })

function possible(config: RunConfig): RunConfig {
  assertPossible(config)
  sourcesOfConfig(config)
  return config
}

/** What it throws says where. */
async function placed<T>(place: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (cause) {
    if (!(cause instanceof FederationError) || place === '') throw cause
    const { code, message, details } = cause
    throw new FederationError(code, `In ${place}: ${message}`, { details, cause })
  }
}

/** Cells differ in much, rarely in their data. */
function onceBySource(taskOf: TaskOf): TaskOf {
  const known = new Map<string, Promise<TaskConfig>>()
  return (source) => {
    const key = canonicalJson(source)
    const task = known.get(key) ?? taskOf(source)
    known.set(key, task)
    return task
  }
}

const invalid = (message: string): FederationError => new FederationError('config/invalid', message)
