/** Names along an axis: short enough to read, leaning where they do not fit side by side. */
import type { Margins, Sheet } from './chart.js'

const LONGEST_LABEL = 20
const CHARACTER = 6.7

/** One line, at most 20 characters. */
export function shortLabel(label: string): string {
  const characters = [...label.replaceAll(/\s+/g, ' ')]
  return characters.length <= LONGEST_LABEL
    ? characters.join('')
    : `${characters.slice(0, LONGEST_LABEL - 1).join('')}…`
}

export interface Turn {
  readonly degrees: 0 | 40
  /** Pixels below the plot that turned labels need. */
  readonly extra: number
}
/** Labels that do not fit side by side lean. */
export function turnOf(labels: readonly string[], sheet: Sheet, margins: Margins): Turn {
  const longest = Math.max(...labels.map((label) => label.length))
  const room = (sheet.width - margins.left - margins.right) / labels.length
  if (longest <= 3 || longest * CHARACTER < room - 6) return { degrees: 0, extra: 0 }
  return { degrees: 40, extra: Math.round(longest * CHARACTER * 0.64) - 6 }
}
