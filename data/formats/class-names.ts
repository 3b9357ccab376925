import { FederationError } from '#protocol/errors.js'
import { corrupt } from '#data/files.js'

export const numbered = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => String(i))

/** The option `classes=10` (named 0 … 9) or `classes=cat,dog`. */
export function parseClassNames(text: string): string[] {
  const names = /^\d{1,6}$/.test(text)
    ? numbered(Number(text))
    : text.split(',').map((name) => name.trim())
  const repeated = names.find((name, i) => name === '' || names.indexOf(name) !== i)
  if (names.length < 2 || repeated !== undefined) {
    throw new FederationError(
      'usage/bad-value',
      `classes=${text}: expected a number from 2, or at least two different names with commas between them`,
    )
  }
  return names
}

/** The different labels: whole numbers in their order, other labels in code-unit order. */
export function sortedClasses(labels: readonly string[]): string[] {
  const names = [...new Set(labels)]
  const whole = names.every((name) => /^-?\d{1,15}$/.test(name))
  return whole ? names.sort((a, b) => Number(a) - Number(b)) : names.sort()
}

/** Throws data/corrupt at the first label that is not below `classes`. */
export function checkLabels(path: string, labels: Int32Array, classes: number): void {
  const at = labels.findIndex((label) => label >= classes)
  if (at >= 0) throw corrupt(path, `labels below ${classes}`, `${labels[at]} in row ${at}`)
}
