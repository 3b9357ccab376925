/** Values in rows and columns as shades of one colour: panels side by side in one SVG, readable without a script. */
import { escapeText, html, Html } from './html.js'
import type { Theme } from './look.js'

export interface HeatPanel {
  readonly title: string
  /** What rows and columns are. */
  readonly rowLabel: string
  readonly columnLabel: string
  readonly rows: readonly string[]
  readonly columns: readonly string[]
  /** rows × columns; null: not known. */
  readonly values: readonly (readonly (number | null)[])[]
  /** What the lightest and the darkest shade stand for; by default the smallest and the largest value. */
  readonly range?: readonly [low: number, high: number]
  readonly text: (value: number) => string
}
export interface HeatFrame {
  readonly theme: Theme
  readonly width: number
  /** What the picture shows, for those who cannot see it. */
  readonly label: string
}

const LARGEST_CELL = 34
const GAP = 40
const TITLE = 26
const FONT = 11
const CHARACTER = 6.2
/** A value is written into its cell where that is as wide; smaller cells say it to a pointer alone. */
const ROOMY = 27
/** The palest shade can still be told from paper. */
const PALEST = 0.07
/** Ink on shades up to here, paper beyond. */
const DARK = 0.68
const LEGEND = 46

/** The smallest cell that still is one; panels of more columns are wider than their share of the page. */
const SMALLEST_CELL = 6
const LONGEST_NAME = 14

/** Pixels that panels need side by side. */
export const heatWidth = (panels: readonly HeatPanel[]): number =>
  panels.reduce(
    (sum, panel) => sum + left(panel) + panel.columns.length * SMALLEST_CELL,
    GAP * (panels.length - 1),
  )

/** Panels of one figure have cells of one size. */
export function heatSvg(panels: readonly HeatPanel[], frame: HeatFrame): Html {
  const room = (frame.width - GAP * (panels.length - 1)) / panels.length
  const cell = Math.max(
    SMALLEST_CELL,
    Math.min(
      LARGEST_CELL,
      ...panels.map((panel) => Math.floor((room - left(panel)) / panel.columns.length)),
    ),
  )
  const height = Math.max(
    ...panels.map((panel) => TITLE + panel.rows.length * cell + bottom(panel, cell) + LEGEND),
  )
  let x = 0
  const drawn = panels.map((panel) => {
    const group = html`<g transform="translate(${x} 0)">${panelSvg(panel, cell, frame)}</g>`
    x += Math.max(left(panel) + panel.columns.length * cell, Math.min(room, 240)) + GAP
    return group
  })
  return html`<svg
    viewBox="0 0 ${frame.width} ${height}"
    xmlns="http://www.w3.org/2000/svg"
    role="img"
    aria-label="${frame.label}"
    font-family="${frame.theme.font}"
    font-size="${FONT}"
  >
    ${drawn}
  </svg>`
}

const short = (name: string): string => {
  const characters = [...name.replaceAll(/\s+/g, ' ')]
  return characters.length <= LONGEST_NAME
    ? characters.join('')
    : `${characters.slice(0, LONGEST_NAME - 1).join('')}…`
}
const longest = (names: readonly string[]): number =>
  Math.ceil(Math.max(...names.map((name) => short(name).length)) * CHARACTER)
/** Room for the names of rows, and for what they are. */
const left = ({ rows }: HeatPanel): number => longest(rows) + 26
const isTurned = ({ columns }: HeatPanel, cell: number): boolean => longest(columns) > cell - 2
/** Room for the names of columns, and for what they are. */
const bottom = (panel: HeatPanel, cell: number): number =>
  (isTurned(panel, cell) ? longest(panel.columns) : FONT) + 24

function panelSvg(panel: HeatPanel, cell: number, { theme }: HeatFrame): Html {
  const { rows, columns, values, title } = panel
  const x = left(panel)
  const end = TITLE + rows.length * cell
  const every = Math.ceil((FONT + 1) / cell)
  const named = (place: number): boolean => place % every === 0
  const range = rangeOf(panel)
  return html`<text x="${x}" y="13" fill="${theme.ink}" font-weight="600" font-size="12.5">
      ${title}
    </text>
    ${rows.map((name, i) =>
      named(i)
        ? html`<text
            x="${x - 6}"
            y="${TITLE + (i + 0.5) * cell + 4}"
            text-anchor="end"
            fill="${theme.muted}"
          >
            ${short(name)}
          </text>`
        : html``,
    )}
    ${columns.map((name, i) =>
      named(i)
        ? columnName(short(name), [x + (i + 0.5) * cell, end + 6], { panel, cell, theme })
        : html``,
    )}
    ${values.flatMap((row, i) =>
      row.map((value, j) =>
        cellSvg(value, {
          ...{ x: x + j * cell, y: TITLE + i * cell, cell, range, theme },
          text: panel.text,
          at: `${rows[i] ?? ''}, ${columns[j] ?? ''}`,
        }),
      ),
    )}
    <text
      transform="translate(11 ${TITLE + (rows.length * cell) / 2}) rotate(-90)"
      text-anchor="middle"
      fill="${theme.muted}"
    >
      ${panel.rowLabel}
    </text>
    <text
      x="${x + (columns.length * cell) / 2}"
      y="${end + bottom(panel, cell)}"
      text-anchor="middle"
      fill="${theme.muted}"
    >
      ${panel.columnLabel}
    </text>
    ${legend(panel, range, { x, y: end + bottom(panel, cell) + 14, theme })}`
}

function columnName(
  name: string,
  [x, y]: readonly [number, number],
  {
    panel,
    cell,
    theme,
  }: { readonly panel: HeatPanel; readonly cell: number; readonly theme: Theme },
): Html {
  return isTurned(panel, cell)
    ? html`<text
        transform="translate(${x + 4} ${y}) rotate(-90)"
        text-anchor="end"
        fill="${theme.muted}"
      >
        ${name}
      </text>`
    : html`<text x="${x}" y="${y + FONT}" text-anchor="middle" fill="${theme.muted}">${name}</text>`
}

type Range = readonly [low: number, high: number]
function rangeOf({ range, values }: HeatPanel): Range {
  if (range !== undefined) return range
  const known = values.flat().filter((value) => value !== null)
  return known.length === 0 ? [0, 1] : [Math.min(...known), Math.max(...known)]
}

/** 0 for the low end, 1 for the high one, nothing beyond; all the same: in between. */
const shadeOf = (value: number, [low, high]: Range): number =>
  high > low ? Math.min(1, Math.max(0, (value - low) / (high - low))) : 0.5
const opacityOf = (shade: number): number => Number((PALEST + (1 - PALEST) * shade).toFixed(3))

interface Cell {
  readonly x: number
  readonly y: number
  readonly cell: number
  readonly range: Range
  readonly theme: Theme
  readonly text: (value: number) => string
  readonly at: string
}
/** Put together without white space: there are thousands of cells on a page. */
function cellSvg(value: number | null, { x, y, cell, range, theme, text, at }: Cell): Html {
  const centre = `x="${x + cell / 2}" y="${y + cell / 2 + 4}" text-anchor="middle"`
  if (value === null) return new Html(`<text ${centre} fill="${theme.muted}">–</text>`)
  const shade = shadeOf(value, range)
  const said = escapeText(text(value))
  const size = cell - (cell > 12 ? 1 : 0)
  const fill = `fill="${theme.series[0] ?? theme.ink}" fill-opacity="${opacityOf(shade)}"`
  const rect = `<rect x="${x}" y="${y}" width="${size}" height="${size}" ${fill}><title>${escapeText(at)}: ${said}</title></rect>`
  const isWritten = cell >= ROOMY && said.length * CHARACTER * 0.86 <= cell
  if (!isWritten) return new Html(rect)
  const ink = `fill="${shade > DARK ? theme.paper : theme.ink}"`
  return new Html(
    `${rect}<text ${centre} font-size="9.5" pointer-events="none" ${ink}>${said}</text>`,
  )
}

const STEPS = [0, 0.25, 0.5, 0.75, 1]
/** The shades from low to high, with the values at both ends. */
function legend(
  { text }: HeatPanel,
  [low, high]: Range,
  { x, y, theme }: { readonly x: number; readonly y: number; readonly theme: Theme },
): Html {
  const begin = x + Math.ceil(text(low).length * CHARACTER) + 6
  return html`<text x="${x}" y="${y + 9}" fill="${theme.muted}">${text(low)}</text>
    ${STEPS.map(
      (shade, i) =>
        html`<rect
          x="${begin + i * 14}"
          y="${y}"
          width="14"
          height="10"
          fill="${theme.series[0] ?? theme.ink}"
          fill-opacity="${opacityOf(shade)}"
        />`,
    )}
    <text x="${begin + STEPS.length * 14 + 6}" y="${y + 9}" fill="${theme.muted}">
      ${text(high)}
    </text>`
}
