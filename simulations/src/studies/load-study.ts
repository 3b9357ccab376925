import { FederationError } from '#protocol/errors.js'
import type { Hash } from '#protocol/ids.js'
import { canonicalJson } from '#protocol/json.js'
import type { RunConfig, RunConfigInput, TaskConfig } from '#protocol/run-config.js'
import { assertPossible } from '#algorithms/from-config.js'
import { sourcesOfConfig } from '#simulations/client-data.js'
import { completeInput, readExperiment, taskOfData, type TaskOf } from '#simulations/experiments.js'
import { createStarts, type StartOf } from '#simulations/start-from.js'
import { mergeOverrides } from './merge.js'
import { parseStudyFile, REFERENCE, type Named, type StudyFile } from './study-file.js'

/** One run of a study. */
export interface Cell {
  readonly setting: string
  readonly variant: string
  readonly seed: number
  readonly config: RunConfig
}
/** Several methods (variants) in several settings with several seeds: a run for each combination. */
export interface Study {
  readonly name: string
  /** The variant that is the base configuration itself, named after its method. */
  readonly base: string
  /** The metric that variants are compared by; null: accuracy. */
  readonly measure: string | null
  readonly seeds: readonly number[]
  /** What is run, and what each changes; the base and the reference change nothing. */
  readonly variants: readonly Named[]
  readonly settings: readonly Named[]
  /** By setting, then by variant, then by seed; the reference and the base come first. */
  readonly cells: readonly Cell[]
}
export interface StudyOptions {
  /** `key.path=value` for the base, before variants and settings change it. */
  readonly overrides?: readonly string[]
  /** Default: the seed of the base. */
  readonly seeds?: readonly number[]
  /** Names of the variants to run; default: all. */
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
  const [variants, settings] = [variantsOf(file, base, options.only), settingsOf(file)]
  const drafts = draftsOf(file, base, { seeds, variants, settings })
  for (const { place, input } of drafts) await placed(place, check(input).then(possible))

  // Making a start can take minutes: not before all else is right.
  const resolvers = { taskOf, startOf: options.startOf ?? createStarts() }
  const cells: Cell[] = []
  for (const { setting, variant, seed, place, input } of drafts) {
    const config = await placed(place, completeInput(input, resolvers))
    cells.push({ setting, variant, seed, config })
  }
  const { name, method } = base
  return { name, base: method.name, measure: file.measure, seeds, variants, settings, cells }
}

/** A hash that stands for a start which is described and not made yet. */
const toBeMade: StartOf = () => Promise.resolve('0'.repeat(64) as Hash)

/** Throws `config/invalid` for names that are taken, `config/unknown-name` for one in `only` that is none. */
function variantsOf(
  file: StudyFile,
  { method: { name: base } }: RunConfig,
  only: readonly string[] | undefined,
): readonly Named[] {
  if (file.variants.some(({ name }) => name === base))
    throw invalid(`variants.${base}: the base configuration has this name, after its method`)
  const variants = [{ name: base, overrides: {} }, ...file.variants]
  const unknown = only?.find((name) => variants.every((variant) => variant.name !== name))
  if (unknown !== undefined) {
    const names = variants.map(({ name }) => name).join(', ')
    throw new FederationError(
      'config/unknown-name',
      `There is no variant '${unknown}'; there are ${names}`,
    )
  }
  return only === undefined ? variants : variants.filter(({ name }) => only.includes(name))
}

function settingsOf({ settings }: StudyFile): readonly Named[] {
  if (settings.some(({ name }) => name === REFERENCE))
    throw invalid(`settings.${REFERENCE}: the base configuration is the setting of this name`)
  return [{ name: REFERENCE, overrides: {} }, ...settings]
}

/** A cell as it would be written in a file of its own, and how messages call it. */
interface Draft extends Omit<Cell, 'config'> {
  readonly input: RunConfigInput
  readonly place: string
}
function draftsOf(
  file: StudyFile,
  base: RunConfig,
  { seeds, variants, settings }: Pick<Study, 'seeds' | 'variants' | 'settings'>,
): readonly Draft[] {
  return settings.flatMap((setting) =>
    variants.flatMap((variant) => {
      const changed = mergeOverrides(
        mergeOverrides(file.base, setting.overrides),
        variant.overrides,
      )
      const changes = [
        ...(setting.name === REFERENCE ? [] : [{ kind: 'setting', name: setting.name }]),
        ...(variant.name === base.method.name ? [] : [{ kind: 'variant', name: variant.name }]),
      ]
      const name = [base.name, ...changes.map((change) => change.name)].join('/')
      return seeds.map((seed) => ({
        ...{ setting: setting.name, variant: variant.name, seed },
        input: { ...changed, name, seed },
        place: changes.map((change) => `${change.kind} ${change.name}`).join(', '),
      }))
    }),
  )
}

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
