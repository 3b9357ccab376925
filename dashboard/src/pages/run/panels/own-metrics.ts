/** What a method measures of itself, beyond what every run is scored by and what has panels of its own. */
import type { Curve } from '#protocol/run-views.js'
import { MOST_CURVES } from '#protocol/server-views.js'

const ELSEWHERE = [
  /^(federated\/|clients\/|recall\/|accuracy|loss$)/,
  /^(routing|calibration|head)\//,
  /^(cut|stage)$/,
]

export const ownMetrics = (metrics: readonly string[]): readonly string[] =>
  metrics.filter((name) => !ELSEWHERE.some((pattern) => pattern.test(name))).slice(0, MOST_CURVES)

export interface OwnGroup {
  readonly title: string
  readonly names: readonly string[]
}
/** Curves that differ in the last part of their name alone are drawn together. */
export function grouped(names: readonly string[]): readonly OwnGroup[] {
  const groups = new Map<string, string[]>()
  for (const name of names) {
    const title = name.includes('/') ? name.slice(0, name.lastIndexOf('/')) : name
    groups.set(title, [...(groups.get(title) ?? []), name])
  }
  return [...groups].map(([title, all]) => ({ title, names: all }))
}

/** Whether it had the same value in every round: said rather than drawn. */
export const isFlat = ({ values }: Curve): boolean => new Set(values).size < 2
