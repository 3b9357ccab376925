/** What a run makes its clients give away, from its configuration alone. */
import type { RunConfig } from '#protocol/run-config.js'
import type { PrivacyClass } from '#protocol/uplink.js'
import type { Revealed } from '#algorithms/methods/method.js'
import { CATALOGUE, type Catalogue } from './catalogue.js'
import { calibrationOf, methodOf, methodSetup } from './from-config.js'

/** By part of the run's program; null: nothing but params and sums over many examples. */
export interface RevealedByPart {
  readonly method: Revealed | null
  readonly calibration: Revealed | null
}

/** Throws `config/unknown-name`, `model/does-not-fit`, or `config/impossible` as `assertPossible`. */
export const revealedByPart = (
  config: RunConfig,
  catalogue: Catalogue = CATALOGUE,
): RevealedByPart => ({
  method: methodOf(config, catalogue).reveals?.(methodSetup(config, catalogue)) ?? null,
  calibration: calibrationOf(config, catalogue)?.reveals ?? null,
})

/** Of the whole run: every class once, the sentences of both parts; null as there. Throws as `revealedByPart`. */
export function revealedBy(config: RunConfig, catalogue: Catalogue = CATALOGUE): Revealed | null {
  const { method, calibration } = revealedByPart(config, catalogue)
  const parts = [method, calibration].filter((part) => part !== null)
  if (parts.length === 0) return null
  return {
    classes: [...new Set(parts.flatMap(({ classes }) => classes))],
    text: parts.map(({ text }) => text).join(' '),
  }
}

/** Classes that a task of this part of the program sends, as far as an owner must allow them. */
export function classesOfPart(
  config: RunConfig,
  part: string,
  catalogue: Catalogue = CATALOGUE,
): readonly PrivacyClass[] {
  const { method, calibration } = revealedByPart(config, catalogue)
  if (part === 'method') return method?.classes ?? []
  return part === 'calibration' ? (calibration?.classes ?? []) : []
}
