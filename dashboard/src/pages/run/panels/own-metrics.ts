/** What a method measures of itself, beyond what every run is scored by and what has panels of its own. */
const ELSEWHERE = [
  /^(federated\/|clients\/|recall\/|accuracy|loss$)/,
  /^(routing|calibration|head)\//,
  /^(cut|stage)$/,
]
const MOST = 40

export interface OwnMetrics {
  readonly title: string
  readonly names: readonly string[]
}

/** Those that differ in their last part alone are drawn together. */
export function ownMetrics(metrics: readonly string[]): readonly OwnMetrics[] {
  const groups = new Map<string, string[]>()
  for (const name of metrics) {
    if (ELSEWHERE.some((pattern) => pattern.test(name))) continue
    const title = name.includes('/') ? name.slice(0, name.lastIndexOf('/')) : name
    groups.set(title, [...(groups.get(title) ?? []), name])
  }
  return [...groups].map(([title, names]) => ({ title, names: names.slice(0, MOST) }))
}
