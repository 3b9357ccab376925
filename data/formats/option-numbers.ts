import { FederationError } from '#protocol/errors.js'

interface Bounds {
  readonly min: number
  readonly max: number
  /** What an absent option means. */
  readonly otherwise: number
}

/** A whole number among `key=value` options. Throws usage/bad-value outside its bounds. */
export function wholeOption(
  options: Readonly<Record<string, string>>,
  key: string,
  bounds: Bounds,
): number {
  const text = options[key]
  if (text === undefined) return bounds.otherwise
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (value >= bounds.min && value <= bounds.max) return value
  throw new FederationError(
    'usage/bad-value',
    `${key}=${text}: expected a whole number from ${bounds.min} to ${bounds.max}`,
  )
}
