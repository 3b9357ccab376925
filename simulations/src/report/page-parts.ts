/** Pieces of the page: sections, figures with their numbers beside them, and the key that tells who is who. */
import { barOption, type BarChart } from './bars.js'
import type { ChartOption, Sheet } from './chart.js'
import { curveOption, type CurveChart } from './curves.js'
import { heatSvg, heatWidth, type HeatPanel } from './heat-map.js'
import { html, Html, jsonData, table, type Cell, type Column } from './html.js'
import { markOf, PAGE } from './look.js'
import type { Subject } from './subjects.js'
import { stripOption, type StripChart } from './strips.js'
import { renderSvg } from './svg.js'

export interface Numbers {
  readonly caption: string
  readonly columns: readonly Column[]
  readonly rows: readonly (readonly Cell[])[]
}
interface FigureBase {
  readonly title: string
  /** What it means, in a line below the title. */
  readonly note?: string
  /** Half of the page's width, or all of it. */
  readonly width: 'half' | 'full'
  /** The same as a table, folded away. */
  readonly numbers?: Numbers
}
export type PageFigure = FigureBase &
  (
    | { readonly kind: 'curves'; readonly chart: CurveChart }
    | { readonly kind: 'bars'; readonly chart: BarChart }
    | { readonly kind: 'strips'; readonly chart: StripChart }
    | { readonly kind: 'heat'; readonly panels: readonly HeatPanel[] }
  )
export interface Section {
  readonly title: string
  /** How to read it: a sentence or two. */
  readonly note?: string
  /** Who is who, where the figures use letters. */
  readonly subjects?: readonly Subject[]
  /** The same, where they are no subjects. */
  readonly key?: Html
  readonly figures?: readonly PageFigure[]
  /** Follows the figures. */
  readonly body?: Html
}
export interface Drawing {
  /** Figures carry their options, for a script that makes them answer to a pointer. */
  readonly isInteractive: boolean
}

const SIZES = { half: { width: 524, height: 290 }, full: { width: 1080, height: 320 } } as const
/** What needs more room than the page has scrolls sideways. */
const [CATEGORY_WIDTH, MARKER_WIDTH, STRIP_WIDTH, WIDEST] = [11, 5, 24, 6000]
/** More subjects than this are told once, in the table of results. */
const MOST_IN_KEY = 8

export const slug = (title: string): string => title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')

export function sectionHtml(section: Section, drawing: Drawing): Html {
  const id = slug(section.title)
  const { note, subjects = [], figures = [] } = section
  return html`<section id="${id}" aria-labelledby="${id}-title">
    <h2 id="${id}-title">${section.title}</h2>
    ${note === undefined ? '' : html`<p class="note">${note}</p> `}${subjects.length > 1 ? key(subjects) : ''}${section.key ?? ''}${
      figures.length === 0
        ? ''
        : html`<div class="figures">
            ${figures.map((figure, i) => figureHtml(figure, `${id}-${i + 1}`, drawing))}
          </div> `
    }${section.body ?? ''}
  </section> `
}

function figureHtml(figure: PageFigure, id: string, drawing: Drawing): Html {
  const needed = roomFor(figure)
  const size = SIZES[figure.width]
  const width = Math.min(Math.max(size.width, needed), WIDEST)
  const sheet: Sheet = { theme: PAGE, width, height: size.height }
  const note = figure.note === undefined ? '' : html` <small>${figure.note}</small>`
  const caption = html`${figure.title}${note}`
  return html`<figure class="${figure.width}">
    <figcaption>${caption}</figcaption>
    <div class="scroll">
      <div
        class="chart"
        style="min-width:${Math.min(width, Math.max(300, needed))}px"
        data-height="${sheet.height}"
      >
        ${figure.kind === 'heat' ? heatSvg(figure.panels, { theme: PAGE, width, label: figure.title }) : chartHtml(figure, { id, sheet, drawing })}
      </div>
    </div>
    ${figure.numbers === undefined ? '' : numbersHtml(figure.numbers)}
  </figure> `
}

type Drawn = Exclude<PageFigure, { readonly kind: 'heat' }>
function chartHtml(
  figure: Drawn,
  on: { readonly id: string; readonly sheet: Sheet; readonly drawing: Drawing },
): Html {
  const { id, sheet, drawing } = on
  const option = optionOf(figure, sheet)
  const label = html`${figure.title}`.markup
  const svg = new Html(renderSvg(option, sheet, { id, label }))
  const data = drawing.isInteractive
    ? html`<script type="application/json">
        ${jsonData(option)}
      </script>`
    : ''
  return html`${svg}${data}`
}

function optionOf(figure: Drawn, sheet: Sheet): ChartOption {
  switch (figure.kind) {
    case 'curves':
      return curveOption(figure.chart, sheet)
    case 'bars':
      return barOption(figure.chart, sheet)
    case 'strips':
      return stripOption(figure.chart, sheet)
  }
}

/** Pixels, for categories and for the markers in them. */
function roomFor(figure: PageFigure): number {
  if (figure.kind === 'curves') return 0
  if (figure.kind === 'heat') return heatWidth(figure.panels)
  if (figure.kind === 'strips') return 60 + figure.chart.strips.length * STRIP_WIDTH
  const { categories, series } = figure.chart
  return 60 + categories.length * Math.max(CATEGORY_WIDTH, MARKER_WIDTH * (series.length + 1))
}

const numbersHtml = ({ caption, columns, rows }: Numbers): Html =>
  html`<details>
    <summary>Numbers</summary>
    ${table(caption, columns, rows)}
  </details> `

/** Lines, markers and letters with the names that they stand for. */
const key = (subjects: readonly Subject[]): Html =>
  subjects.length > MOST_IN_KEY
    ? html`<p class="note">Letters, colours and markers are those of the table of results.</p> `
    : html`<ul class="key">
        ${subjects.map((subject) => html`<li>${nameOf(subject)}</li>`)}
      </ul> `

/** A subject's name behind its line, marker and letter. */
export const nameOf = (subject: Pick<Subject, 'place' | 'letter' | 'label'>): Html =>
  html`<span class="name">${swatch(subject.place)} <b>${subject.letter}</b> ${subject.label}</span>`

function swatch(place: number): Html {
  const { color, dash, symbol, isHollow } = markOf(place, PAGE)
  const shape = {
    circle: 'M16 2.6a3.4 3.4 0 1 1 0 6.8a3.4 3.4 0 1 1 0 -6.8Z',
    rect: 'M13 3h6v6h-6Z',
    triangle: 'M16 2.2L19.6 9H12.4Z',
    diamond: 'M16 1.8L20 6L16 10.2L12 6Z',
  }[symbol]
  return html`<svg class="swatch" viewBox="0 0 32 12" width="32" height="12" aria-hidden="true">
    <path
      d="M1 6H31"
      stroke="${color}"
      stroke-width="2"
      stroke-dasharray="${dash.join(' ') || 'none'}"
    />
    <path
      d="${shape}"
      fill="${isHollow ? PAGE.paper : color}"
      stroke="${color}"
      stroke-width="1.5"
    />
  </svg>`
}

/** A table with one row for each name and one column for each subject. */
export function bySubject<Name extends string | number>(from: {
  readonly caption: string
  readonly head: string
  readonly names: readonly Name[]
  readonly subjects: readonly Subject[]
  readonly cell: (name: Name, subject: Subject) => string | null
}): Numbers {
  const { caption, head, names, subjects, cell } = from
  return {
    caption,
    columns: [
      { head, isNumber: names.every((name) => typeof name === 'number') },
      ...subjects.map((subject) => ({
        head:
          subjects.length > 1
            ? html`<abbr title="${subject.label}">${subject.letter}</abbr>`
            : 'value',
        isNumber: true,
      })),
    ],
    rows: names.map((name) => [
      String(name),
      ...subjects.map((subject) => cell(name, subject) ?? '–'),
    ]),
  }
}
