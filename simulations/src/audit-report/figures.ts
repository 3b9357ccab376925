/** Charts of an audit: how often records are recognised, how alike they are, and how the searches went. */
import type { AuditReport, AuditRow } from '#protocol/audit-report.js'
import type { ChartValue } from '../report/chart.js'
import type { CurvePoint } from '../report/curves.js'
import type { PageFigure, Section } from '../report/page-parts.js'
import type { Strip } from '../report/strips.js'
import { attackWords, CONTROL_WORDS } from '#protocol/audit-words.js'
import { methodKey, methodLooks, type MethodLook } from './methods.js'
import { answered, peaksOf, rowLabel } from '#protocol/audit-setups.js'
import { isAbove } from '#protocol/audit-level.js'

/** Charts by row are for this many at most: those with the highest verdicts. */
const MOST_ROWS = 8

interface Placed {
  readonly row: AuditRow
  readonly place: number
}
/** In the order of the report. */
function shownRows({ rows }: AuditReport, isDrawn: (row: AuditRow) => boolean): readonly Placed[] {
  return rows
    .map((row, place) => ({ row, place }))
    .filter(({ row }) => isDrawn(row))
    .toSorted(
      (a, b) =>
        Number(isAbove(b.row.verdict, a.row.verdict)) -
        Number(isAbove(a.row.verdict, b.row.verdict)),
    )
    .slice(0, MOST_ROWS)
    .toSorted((a, b) => a.place - b.place)
}
const only = (shown: number, all: number): string =>
  shown < all ? ` Drawn for ${shown} of ${all} rows, those with the highest verdicts.` : ''

/** Rates with their intervals beside the placebo's and chance. */
export function recognitionSection(report: AuditReport): Section | null {
  const { rows } = report
  if (rows.every((row) => peaksOf(row) === null)) return null
  const numbers = rows.map((_, place) => String(place + 1))
  const rate = (found: Rated | undefined | null): ChartValue | null =>
    found === undefined || found === null
      ? null
      : { y: found.rate, low: found.interval[0], high: found.interval[1] }
  const best = rows.map((row) => peaksOf(row)?.surest.sameClass)
  const placebo = rows.map(
    ({ controls }) =>
      controls
        .filter(({ name }) => name === 'placebo')
        .toSorted((a, b) => b.sameClass.hits - a.sameClass.hits)[0]?.sameClass,
  )
  const looks = methodLooks(report)
  return {
    title: 'Recognition and gain',
    key: methodKey(looks),
    note: 'Lines reach over the 95 % intervals: with few records they are long, and a rate of nothing may still be a rate of much.',
    figures: [
      {
        title: 'Recognised among others of the same class',
        note: 'Circle: the attack that recognises most. Square: the placebo that does, which must lie at chance. Triangle: chance.',
        width: 'half',
        kind: 'bars',
        chart: {
          categories: numbers,
          label: 'row',
          y: { label: 'records recognised', unit: 'share', fromZero: true, upTo: 1 },
          form: 'markers',
          series: [
            { name: 'strongest attack', values: best.map(rate) },
            { name: 'placebo', values: placebo.map(rate) },
            {
              name: 'chance',
              values: best.map((found) => (found === undefined ? null : { y: found.chance })),
            },
          ],
        },
      },
      {
        title: 'Mean gain over the best guess without the update, in dB',
        note: 'Above 0 the update helped. Markers as in the list above',
        width: 'half',
        kind: 'bars',
        chart: {
          categories: numbers,
          label: 'row',
          y: { label: 'dB', unit: 'number' },
          form: 'markers',
          series: looks.map((look) => ({
            ...{ name: look.label, look: look.place, letter: look.letter },
            values: rows.map((row) => gainOf(row, look)),
          })),
        },
      },
    ],
  }
}
interface Rated {
  readonly rate: number
  readonly interval: readonly [number, number]
}
function gainOf(row: AuditRow, { name }: MethodLook): ChartValue | null {
  const gain = row.methods.find((method) => method.name === name)?.chosen?.gain
  return gain === undefined ? null : { y: gain.mean, low: gain.interval[0], high: gain.interval[1] }
}

/** Every record as a dot: attacks beside guesses that did not see the update. */
export function likenessSection(report: AuditReport): Section | null {
  const all = report.rows.filter((row) => answered(row).length > 0)
  const shown = shownRows(report, (row) => answered(row).length > 0)
  if (shown.length === 0) return null
  const highest = Math.max(
    ...shown.flatMap(({ row }) => answered(row).map(({ chosen }) => chosen.psnr.max)),
  )
  return {
    title: 'Likeness of every record',
    note: `PSNR in dB: 10 more is a tenth of the squared error, and equal pictures count 99. A dot is a record, the line the mean, the box the middle half. Guesses to the right did not see the update: an attack that stands no higher found nothing.${only(shown.length, all.length)}`,
    figures: shown.map(({ row, place }): PageFigure => ({
      title: `Row ${place + 1}: ${rowLabel(row, report.rows)}`,
      width: shown.length === 1 ? 'full' : 'half',
      kind: 'strips',
      chart: {
        label: 'attacks, then guesses',
        y: { label: 'PSNR', unit: 'number', upTo: highest },
        strips: [...attackStrips(report, row), ...controlStrips(row)],
      },
    })),
  }
}
function attackStrips(report: AuditReport, row: AuditRow): readonly Strip[] {
  const looks = methodLooks(report)
  return answered(row).map(({ method, chosen }) => ({
    name: attackWords(method.name).short,
    look: looks.find(({ name }) => name === method.name)?.place ?? 0,
    dots: dotsOf(chosen.psnr.values),
  }))
}
const GUESS_LOOK = 7
/** Of several placebos the one that came closest. */
function controlStrips({ controls }: AuditRow): readonly Strip[] {
  const [placebo] = controls
    .filter(({ name }) => name === 'placebo')
    .toSorted((a, b) => b.psnr.median - a.psnr.median)
  return controls
    .filter((control) => control.name !== 'placebo' || control === placebo)
    .map(({ name, psnr }) => ({
      ...{ name: CONTROL_WORDS[name].short, look: GUESS_LOOK, dots: dotsOf(psnr.values) },
    }))
}
const dotsOf = (values: readonly number[]) =>
  values.map((y, record) => ({ y, at: `record ${record + 1}` }))

/** The searches: mismatch against iterations, and what each stage gave. */
export function curveSection(report: AuditReport): Section | null {
  const looks = methodLooks(report)
  const isDrawn = (row: AuditRow): boolean => row.methods.some(({ curve }) => curve.length > 1)
  const shown = shownRows(report, isDrawn)
  const figures = shown.flatMap((placed) => [
    mismatchFigure(placed, rowLabel(placed.row, report.rows), looks),
    ...stageFigure(placed, looks),
  ])
  if (figures.length === 0) return null
  return {
    title: 'How the searches went',
    note: `Mismatch is the distance between the update of the attacker’s likeness and the observed one, all that an attacker sees. Under noise it goes on falling while the likeness gets worse: compare with the likeness by stage.${only(shown.length, report.rows.filter(isDrawn).length)}`,
    key: methodKey(looks),
    figures,
  }
}

const SMALLEST = 1e-12
function mismatchFigure(
  { row, place }: Placed,
  label: string,
  looks: readonly MethodLook[],
): PageFigure {
  const series = looks.flatMap((look) => {
    const curve = row.methods.find(({ name }) => name === look.name)?.curve ?? []
    if (curve.length < 2) return []
    const points = curve.map(([x, loss]) => ({ x, y: Math.log10(Math.max(loss, SMALLEST)) }))
    return [{ name: look.label, look: look.place, letter: look.letter, points }]
  })
  return {
    title: `Row ${place + 1}: mismatch, as a power of ten`,
    note: label,
    width: 'half',
    kind: 'curves',
    chart: {
      x: { label: 'iteration', unit: 'count' },
      y: { label: 'log₁₀', unit: 'number' },
      series,
    },
  }
}

function stageFigure({ row, place }: Placed, looks: readonly MethodLook[]): readonly PageFigure[] {
  const staged = looks.flatMap((look) => {
    const method = row.methods.find(({ name }) => name === look.name)
    return method !== undefined && method.stages.length > 1 ? [{ look, method }] : []
  })
  if (staged.length === 0) return []
  const last = Math.max(...staged.flatMap(({ method }) => method.stages.map(({ stage }) => stage)))
  const names = Array.from({ length: last + 1 }, (_, stage) =>
    stage === 0 ? 'latent' : `layer ${stage}`,
  )
  return [
    {
      title: `Row ${place + 1}: likeness by stage, in dB`,
      note: 'Median PSNR if the attacker had stopped there',
      width: 'half',
      kind: 'curves',
      chart: {
        x: { label: 'stage', unit: 'count', names },
        y: { label: 'PSNR', unit: 'number' },
        series: staged.map(({ look, method }) => ({
          ...{ name: look.label, look: look.place, letter: look.letter },
          points: method.stages.map(({ stage, psnr }): CurvePoint => ({ x: stage, y: psnr })),
        })),
      },
    },
  ]
}
