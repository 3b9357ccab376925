/** Numbers as people read them. */
export const percent = (share: number): string => `${(share * 100).toFixed(2)} %`
export const decimals = (value: number, digits = 4): string => value.toFixed(digits)
export const seconds = (ms: number): string => (ms / 1000).toFixed(1)

export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = count
  let unit = 0
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 2 : 1)} ${units[unit] ?? ''}`
}
export const shortHash = (hash: string): string => hash.slice(0, 12)

/** Mean and sample standard deviation; the spread of one value is 0. */
export function meanAndSpread(values: readonly number[]): {
  readonly mean: number
  readonly spread: number
} {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return { mean, spread: values.length < 2 ? 0 : Math.sqrt(squares / (values.length - 1)) }
}
