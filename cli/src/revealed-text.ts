/** What a run makes clients give away, said to the person who starts it before anything starts. */
import { parseRunConfig, type RunConfig, type RunConfigInput } from '#protocol/run-config.js'
import { CATALOGUE, configCatalogue } from '#algorithms/catalogue.js'
import type { Revealed } from '#algorithms/methods/method.js'
import { revealedBy } from '#algorithms/revealed.js'
import type { Session } from './command.js'

const HEAD = 'What clients give away.'

/** Of a calibration by name, for a help text; empty for one that this version does not know. */
export function calibrationText(name: string): string {
  const entry = CATALOGUE.calibrations.find((one) => one.name === name)
  return entry === undefined ? '' : `${HEAD} ${entry.reveals.text}`
}

/**
 * Of a configuration as it was written. Null also for one that is malformed: what is wrong is for the coordinator to say.
 * Throws `config/impossible` and the like for one that cannot run.
 */
export function revealedIn(input: RunConfigInput): Revealed | null {
  const parsed = parseRunConfig(input, configCatalogue())
  return parsed.ok ? revealedBy(parsed.value) : null
}

/** Says nothing where nothing but params and sums leaves. `whose`: which of several runs. */
export function sayRevealed({ out }: Session, revealed: Revealed | null, whose = ''): void {
  if (revealed === null) return
  const { classes, text } = revealed
  out.event('run:reveals', { ...(whose === '' ? {} : { of: whose }), classes, text })
  out.say(whose === '' ? `${HEAD} ${text}` : `${HEAD} ${whose}: ${text}`)
}

/** To who starts a run of real nodes: their owners decide. */
export function sayOwnersDecide({ out }: Session, revealed: Revealed | null): void {
  if (revealed?.classes.includes('per-example') !== true) return
  out.say(
    'Only nodes whose owners allow uploads about single examples take part: they must be joined with --allow-per-example',
  )
}

/** Of the cells of a study: what each variant reveals, once. */
export function sayRevealedByCells(
  session: Session,
  cells: readonly { readonly variant: string; readonly config: RunConfig }[],
): void {
  const variants = new Map<string, { readonly revealed: Revealed; readonly names: Set<string> }>()
  for (const { variant, config } of cells) {
    const revealed = revealedBy(config)
    if (revealed === null) continue
    const known = variants.get(revealed.text) ?? { revealed, names: new Set<string>() }
    variants.set(revealed.text, known)
    known.names.add(variant)
  }
  for (const { revealed, names } of variants.values())
    sayRevealed(session, revealed, [...names].join(', '))
}
