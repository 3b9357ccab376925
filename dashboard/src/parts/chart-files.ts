import { rowsOf } from './curve-rows.js'
import type { CurveLine } from './curves.js'

/** A cell as RFC 4180 writes it. One that a spreadsheet would take for a formula begins with an apostrophe. */
function cell(text: string): string {
  const plain = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain
}
export function csvOf(xLabel: string, lines: readonly CurveLine[]): string {
  const { x, columns } = rowsOf(lines)
  const header = [xLabel, ...lines.map(({ label }) => label)].map(cell).join(',')
  const rows = x.map((at, i) => [at, ...columns.map((column) => column[i] ?? '')].join(','))
  return `${[header, ...rows].join('\r\n')}\r\n`
}
/** Rows of names and numbers; null is an empty cell. */
export const csvText = (rows: readonly (readonly (string | number | null)[])[]): string =>
  rows
    .map((row) =>
      row.map((each) => (typeof each === 'string' ? cell(each) : (each ?? ''))).join(','),
    )
    .map((line) => `${line}\r\n`)
    .join('')
export const toCsv = (xLabel: string, lines: readonly CurveLine[]): Blob =>
  new Blob([csvOf(xLabel, lines)], { type: 'text/csv' })

/** Hands a file to whoever looks at the page. */
export function save(content: Blob, name: string): void {
  const link = document.createElement('a')
  const address = URL.createObjectURL(content)
  link.href = address
  link.download = name.replaceAll(/[^\w.-]+/g, '-')
  link.click()
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(address), 10_000)
}
