/** What update transforms do to what clients send, said to the person who starts a run, and what they do not act on. */
import { parseRunConfig, type RunConfig, type RunConfigInput } from '#protocol/run-config.js'
import { configCatalogue } from '#algorithms/catalogue.js'
import { methodOf, updateTransformsOf } from '#algorithms/from-config.js'
import { describeTransforms, protectionOf } from '#algorithms/update-transforms/apply.js'
import type { Session } from './command.js'

/** Whose noise it is, by who adds it. */
const NOISE = {
  nodes: 'Every node draws its noise from a key that only it has; nothing accounts for an epsilon',
  simulation:
    'The noise of a simulation comes from the seed of the run: it shows what noise costs, and guarantees nothing',
} as const
export type WhereUpdatesAreMade = keyof typeof NOISE

/** Sentences; null where the run has no transforms. */
export function updatesText(config: RunConfig, where: WhereUpdatesAreMade): string | null {
  const transforms = updateTransformsOf(config)
  if (transforms.length === 0) return null
  const { calibration, evaluation } = config
  const besides = [
    'how many examples a client has, its loss and its steps',
    ...(evaluation.federated ? ['the scores of its evaluations'] : []),
    ...(calibration === undefined ? [] : [`the statistics for ${calibration.name}`]),
  ]
  const sentences = [
    `Updates of ${methodOf(config).name} leave clients so: ${describeTransforms(transforms)}`,
    `Not changed by that: ${besides.join('; ')}`,
    ...(protectionOf(transforms).noise > 0 ? [NOISE[where]] : []),
  ]
  return `${sentences.join('. ')}.`
}

export function sayUpdates({ out }: Session, config: RunConfig, where: WhereUpdatesAreMade): void {
  const text = updatesText(config, where)
  if (text === null) return
  out.event('run:updates', {
    updates: config.updates?.map((update) => ({ ...update })) ?? [],
    text,
  })
  out.say(text)
}

/** Of a configuration as it was written. Nothing for one that is malformed: what is wrong is for the coordinator to say. */
export function sayUpdatesIn(session: Session, input: RunConfigInput): void {
  const parsed = parseRunConfig(input, configCatalogue())
  if (parsed.ok) sayUpdates(session, parsed.value, 'nodes')
}

/** Of the cells of a study: what each list of transforms does, once. */
export function sayUpdatesOfCells(
  session: Session,
  cells: readonly { readonly config: RunConfig }[],
): void {
  const said = new Map<string, RunConfig>()
  for (const { config } of cells) {
    const text = updatesText(config, 'simulation')
    if (text !== null && !said.has(text)) said.set(text, config)
  }
  for (const config of said.values()) sayUpdates(session, config, 'simulation')
}
