/** Charts as files of their own: white, with title and legend, the same bytes for the same numbers. */
import { barOption, type BarChart } from './bars.js'
import type { ChartOption, Sheet } from './chart.js'
import { curveOption, type CurveChart } from './curves.js'
import { escapeText } from './html.js'
import { PAPER } from './look.js'
import { stripOption, type StripChart } from './strips.js'
import { renderSvg } from './svg.js'

export interface Figure {
  readonly title: string
  /** Pixels. */
  readonly width?: number
  readonly height?: number
}

/** Lines with a band where points have `low` and `high`: the text of an SVG file. Names of series must differ. */
export const curveSvg = (chart: CurveChart & Figure): string =>
  figure(chart, (sheet) => curveOption(chart, sheet))

/** Bars or markers by category, with whiskers where values have `low` and `high`: the text of an SVG file. */
export const barSvg = (chart: BarChart & Figure): string =>
  figure(chart, (sheet) => barOption(chart, sheet))

/** A dot for every client, in a strip for each subject: the text of an SVG file. */
export const stripSvg = (chart: StripChart & Figure): string =>
  figure(chart, (sheet) => stripOption(chart, sheet))

function figure(
  { title, width = 720, height = 440 }: Figure,
  optionFor: (sheet: Sheet) => ChartOption,
): string {
  const sheet: Sheet = { theme: PAPER, width, height, title }
  const option = { ...optionFor(sheet), backgroundColor: PAPER.paper }
  const svg = renderSvg(option, sheet, { id: 'figure', label: escapeText(title) })
  const sized = svg.replace('<svg ', `<svg width="${width}" height="${height}" `)
  return `${sized.replaceAll(FORBIDDEN_IN_XML, '')}\n`
}
/** Control characters and halves of surrogate pairs: XML has no way to write them. */
const FORBIDDEN_IN_XML = /[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu
