/** The runs that a study file describes, as they would be written in files of their own, each after the one it starts from. */
import { FederationError } from '#protocol/errors.js'
import { isJsonObject, type JsonObject } from '#protocol/json.js'
import type { RunConfigInput } from '#protocol/run-config.js'
import { writtenStart } from '#simulations/start-from.js'
import { mergeOverrides } from './merge.js'
import { REFERENCE, type Named, type StudyFile } from './study-file.js'

/** A variant in a setting, for any seed. */
export interface PlannedRun {
  readonly setting: string
  readonly variant: string
  /** The variant whose final model, in the same setting and of the same seed, it starts from; null: something else. */
  readonly startsFrom: string | null
  /** Without a seed; without what `startFrom` says of a variant. */
  readonly input: RunConfigInput
  /** How messages call it; empty for the base in the reference setting. */
  readonly place: string
}
/** What there is, by name, before a person asks for some of it. */
export interface StudyAxes {
  readonly file: StudyFile
  readonly name: string
  /** The name of the base's method, which is the name of the base among the variants. */
  readonly base: string
  readonly variants: readonly Named[]
  readonly settings: readonly Named[]
}

/**
 * By setting, then by variant, in the order of the file; but nothing before what it starts from. Of the variants in `only`,
 * and of what these start from. Throws `config/invalid` or `config/unknown-name` for a start that cannot be.
 */
export function plannedRuns(axes: StudyAxes, only: readonly string[] | null): PlannedRun[] {
  return axes.settings.flatMap((setting) => {
    const runs = axes.variants.map((variant) => plannedRun(axes, setting, variant))
    const isWanted = ({ variant }: PlannedRun): boolean => only === null || only.includes(variant)
    return startsFirst(runs, isWanted)
  })
}

function plannedRun({ file, name, base }: StudyAxes, setting: Named, variant: Named): PlannedRun {
  const changed = mergeOverrides(mergeOverrides(file.base, setting.overrides), variant.overrides)
  const changes = [
    ...(setting.name === REFERENCE ? [] : [{ kind: 'setting', name: setting.name }]),
    ...(variant.name === base ? [] : [{ kind: 'variant', name: variant.name }]),
  ]
  const place = changes.map((change) => `${change.kind} ${change.name}`).join(', ')
  const input = withoutTraining(changed, place !== '')
  const startsFrom = startsFromOf(input, place)
  const { startFrom: _start, ...rest } = input
  return {
    ...{ setting: setting.name, variant: variant.name, place, startsFrom },
    input: {
      ...(startsFrom === null ? input : rest),
      name: [name, ...changes.map((change) => change.name)].join('/'),
    },
  }
}

/** What the base says of its training rounds is nothing that a run without any could do: it is left out, not refused. */
function withoutTraining(input: RunConfigInput, isChanged: boolean): RunConfigInput {
  const evaluation = Object.hasOwn(input, 'evaluation') ? input['evaluation'] : undefined
  if (!isChanged || input['rounds'] !== 0 || !isJsonObject(evaluation)) return input
  const { every: _every, diagnostics: _diagnostics, ...rest } = evaluation
  return { ...input, evaluation: rest }
}

/** The name in `startFrom: {"variant": NAME}`. */
function startsFromOf(input: RunConfigInput, place: string): string | null {
  const written: JsonObject = writtenStart(input) ?? {}
  if (!Object.hasOwn(written, 'variant')) return null
  const { variant, ...others } = written
  if (typeof variant === 'string' && Object.keys(others).length === 0) return variant
  throw startError('config/invalid', place, `expected {"variant": NAME}, got ${text(written)}`)
}

function startsFirst(
  runs: readonly PlannedRun[],
  isWanted: (run: PlannedRun) => boolean,
): readonly PlannedRun[] {
  const ordered: PlannedRun[] = []
  const visit = (run: PlannedRun, waiting: readonly PlannedRun[]): void => {
    if (ordered.includes(run)) return
    if (waiting.includes(run)) throw circular(waiting.slice(waiting.indexOf(run)))
    if (run.startsFrom !== null) visit(startOf(run, runs), [...waiting, run])
    ordered.push(run)
  }
  for (const run of runs.filter(isWanted)) visit(run, [])
  return ordered
}

function startOf({ startsFrom, place }: PlannedRun, runs: readonly PlannedRun[]): PlannedRun {
  const found = runs.find(({ variant }) => variant === startsFrom)
  if (found !== undefined) return found
  const names = runs.map(({ variant }) => variant).join(', ')
  const why = `there is no variant '${startsFrom}'; there are ${names}`
  throw startError('config/unknown-name', place, why)
}

function circular(circle: readonly PlannedRun[]): FederationError {
  const [first] = circle
  const steps = circle.map(({ variant, startsFrom }) => `${variant} starts from ${startsFrom}`)
  return startError('config/invalid', first?.place ?? '', `${steps.join(', ')}: nothing can begin`)
}

const text = (value: JsonObject): string => JSON.stringify(value)
function startError(
  code: 'config/invalid' | 'config/unknown-name',
  place: string,
  why: string,
): FederationError {
  const prefix = place === '' ? '' : `In ${place}: `
  return new FederationError(code, `${prefix}startFrom: ${why}`)
}
