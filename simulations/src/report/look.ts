/** How series are told apart: by colour, and on paper without colour by dashes, markers, hatching and a letter. */

/** Colours and letters of a chart. On a page they are the page's own variables, so that they follow light, dark and print. */
export interface Theme {
  readonly ink: string
  readonly muted: string
  readonly rule: string
  readonly paper: string
  readonly series: readonly string[]
  readonly font: string
}

const LIGHT_SERIES = [
  ...['#1f5fa8', '#c9540e', '#1f7a4d', '#8a3f9c'],
  ...['#b3263c', '#007a87', '#80601a', '#56606e'],
]
const DARK_SERIES = [
  ...['#78b4ff', '#ff9f61', '#6fd39b', '#d79bea'],
  ...['#ff8a9c', '#5ccfdb', '#d9b96a', '#aeb8c5'],
]
/** For files that stand alone: black on white. */
export const PAPER: Theme = {
  ...{ ink: '#1b2129', muted: '#5a6472', rule: '#dfe3e8', paper: '#ffffff' },
  series: LIGHT_SERIES,
  font: 'Helvetica, Arial, sans-serif',
}
const NIGHT = { ink: '#e6e9ee', muted: '#9ba5b3', rule: '#333a44', paper: '#14171c' } as const

/** A report's own: every colour is a variable that `themeVariables` defines. */
export const PAGE: Theme = {
  ...{ ink: 'var(--ink)', muted: 'var(--muted)', rule: 'var(--rule)', paper: 'var(--paper)' },
  series: LIGHT_SERIES.map((_, i) => `var(--series-${i})`),
  font: 'system-ui, sans-serif',
}
export function themeVariables(scheme: 'light' | 'dark'): string {
  const { ink, muted, rule, paper } = scheme === 'light' ? PAPER : NIGHT
  const series = scheme === 'light' ? LIGHT_SERIES : DARK_SERIES
  const variables = [`--ink:${ink}`, `--muted:${muted}`, `--rule:${rule}`, `--paper:${paper}`]
  return [...variables, ...series.map((color, i) => `--series-${i}:${color}`)].join(';')
}

const DASHES = [[], [7, 4], [2, 3], [10, 3, 2, 3], [10, 3, 2, 3, 2, 3]] as const
const SYMBOLS = ['circle', 'rect', 'triangle', 'diamond'] as const

export interface Mark {
  readonly color: string
  /** Lengths of strokes and gaps; empty: solid. */
  readonly dash: readonly number[]
  readonly symbol: (typeof SYMBOLS)[number]
  /** Hollow symbols tell the second four from the first. */
  readonly isHollow: boolean
}

/** Eight colours, five dashes: 40 lines that differ. Symbols move on when colours begin again: 32 markers that differ. */
export function markOf(index: number, { series }: Theme): Mark {
  const place = index % series.length
  const symbol = place + Math.floor(index / series.length)
  return {
    color: series[place] ?? '',
    dash: DASHES[index % DASHES.length] ?? [],
    symbol: SYMBOLS[symbol % SYMBOLS.length] ?? 'circle',
    isHollow: place >= SYMBOLS.length,
  }
}

/** A, B … Z, AA, AB …: what a series is called where there is no room for its name. */
export function letterOf(index: number): string {
  const last = String.fromCharCode(65 + (index % 26))
  return index < 26 ? last : letterOf(Math.floor(index / 26) - 1) + last
}
