/** Numbers as people read them: the same on a terminal, in a table of a report and on the axes of its charts. */
export const percent = (share: number): string => `${(share * 100).toFixed(2)} %`
/** A difference of shares, with its sign. */
export const points = (difference: number): string =>
  `${difference > 0 ? '+' : ''}${(difference * 100).toFixed(2)} points`
export const decimals = (value: number, digits = 4): string => value.toFixed(digits)
export const seconds = (ms: number): string => (ms / 1000).toFixed(1)
/** Enough of a hash to tell it from others of a list. */
export const shortHash = (hash: string): string => hash.slice(0, 12)

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const

/** The largest decimal unit of which `count` bytes are at least one: its name, and its bytes. */
export function byteUnit(count: number): { readonly name: string; readonly bytes: number } {
  const thousands = Math.floor(Math.log10(Math.max(1, count)) / 3)
  const index = Math.min(thousands, BYTE_UNITS.length - 1)
  return { name: BYTE_UNITS[index] ?? 'B', bytes: 1000 ** index }
}

export function bytes(count: number): string {
  const unit = byteUnit(count)
  const value = count / unit.bytes
  const whole = Number.isInteger(count) ? 0 : 1
  return `${value.toFixed(unit.bytes === 1 ? whole : value < 10 ? 2 : 1)} ${unit.name}`
}

/** Names with commas; of more than `most`, the first and how many more. */
export const listed = (names: readonly string[], most: number): string =>
  names.length <= most
    ? names.join(', ')
    : `${names.slice(0, most).join(', ')} and ${names.length - most} more`

/** How wide numbers run that are neither shares nor near 1: three digits, in powers of ten where plain ones would be long. */
export const threeDigits = (value: number): string =>
  value !== 0 && (Math.abs(value) < 0.001 || Math.abs(value) >= 100_000)
    ? value.toExponential(1)
    : value.toLocaleString('en', { maximumSignificantDigits: 3, useGrouping: false })

export interface Spread {
  readonly mean: number
  /** Sample standard deviation; 0 for one value. */
  readonly spread: number
}

/** Mean and sample standard deviation of at least one value. */
export function meanAndSpread(values: readonly number[]): Spread {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return { mean, spread: values.length < 2 ? 0 : Math.sqrt(squares / (values.length - 1)) }
}

/** The value below which `share` of the sorted values lie; between neighbours, linearly. */
export function quantile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1)
  const below = sorted[Math.floor(at)] ?? NaN
  const above = sorted[Math.ceil(at)] ?? NaN
  return below + (above - below) * (at - Math.floor(at))
}
