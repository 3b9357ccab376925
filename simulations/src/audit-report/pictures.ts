/** Records and what attacks made of them, side by side; only where the operator asked for pictures. */
import type { AuditReport, AuditRow } from '#protocol/audit-report.js'
import { html, type Html } from '../report/html.js'
import type { Section } from '../report/page-parts.js'
import { dayText, decibels } from '#protocol/audit-amounts.js'
import { attackWords, CONTROL_WORDS } from '#protocol/audit-words.js'
import { rowName } from './result-tables.js'

type RowPictures = NonNullable<AuditReport['pictures']>['byRow'][number]
type Picture = RowPictures['pictures'][number]

export function pictureSection(report: AuditReport): Section | null {
  const { pictures, rows, records } = report
  if (pictures === null || pictures.byRow.every(({ pictures }) => pictures.length === 0))
    return null
  return {
    title: 'Pictures',
    note: `Of ${WHOSE[records.basis]} records, to be deleted by ${dayText(pictures.retainUntil)}. To the left the record, then what each attack took for it, with its likeness; the best of each record is framed. Look whether you would recognise it.`,
    body: html`${pictures.byRow.map((own) => {
      const place = rows.findIndex(({ id }) => id === own.row)
      return html`<h3>${place < 0 ? own.row : rowName(report, place)}</h3>
        ${pictureTable(own, place < 0 ? own.row : `row ${place + 1}`)}`
    })}`,
  }
}
const WHOSE = {
  synthetic: 'synthetic',
  canary: 'made-up',
  public: 'public',
  consented: 'consented',
} as const

const nameOf = (method: string): string =>
  Object.hasOwn(CONTROL_WORDS, method)
    ? CONTROL_WORDS[method as keyof typeof CONTROL_WORDS].label
    : attackWords(method).label

const shortOf = (method: string): string =>
  Object.hasOwn(CONTROL_WORDS, method) ? nameOf(method) : attackWords(method).short

const MOST_IN_STRIP = 4

/** For page one: the records that were reconstructed best, each beside what was made of it. */
export function pictureStrip({ pictures }: AuditReport, row: AuditRow): Html {
  const own = pictures?.byRow.find((byRow) => byRow.row === row.id)?.pictures ?? []
  const best = own.flatMap(({ record, truth, reconstructions }) => {
    const made = reconstructions.reduce<Picture['reconstructions'][number] | null>(
      (best, one) => (best === null || one.psnr > best.psnr ? one : best),
      null,
    )
    return made === null ? [] : [{ record, truth, made }]
  })
  if (best.length === 0) return html``
  const shown = best.toSorted((a, b) => b.made.psnr - a.made.psnr).slice(0, MOST_IN_STRIP)
  return html`<div class="strip">
    <p>
      <b>See for yourself.</b> Left the record, right what an attack made of its update; all of them
      under Pictures.
    </p>
    ${shown.map(
      ({ record, truth, made }) =>
        html`<figure>
          <img src="${truth}" alt="Record ${record + 1}" />
          <img
            src="${made.image}"
            alt="Record ${record + 1} by ${nameOf(made.method)}, ${decibels(made.psnr)}"
          />
          <figcaption>${shortOf(made.method)}, ${decibels(made.psnr)}</figcaption>
        </figure>`,
    )}
  </div> `
}

/** A real table: a row for each record, a column for each attack. */
function pictureTable({ pictures }: RowPictures, row: string): Html {
  const methods = [
    ...new Set(
      pictures.flatMap(({ reconstructions }) => reconstructions.map(({ method }) => method)),
    ),
  ]
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Pictures of ${row}">
    <table class="pictures">
      <caption>
        Pictures of ${row}
      </caption>
      <thead>
        <tr>
          <th scope="col">record</th>
          <th scope="col">the record itself</th>
          ${methods.map((method) => html`<th scope="col">${shortOf(method)}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${pictures.map((picture) => pictureRow(picture, methods))}
      </tbody>
    </table>
  </div> `
}

function pictureRow({ record, truth, reconstructions }: Picture, methods: readonly string[]): Html {
  const best = Math.max(...reconstructions.map(({ psnr }) => psnr))
  const name = `Record ${record + 1}`
  return html`<tr>
    <th scope="row">${record + 1}</th>
    <td><img src="${truth}" alt="${name}" /> true</td>
    ${methods.map((method) => {
      const made = reconstructions.find((reconstruction) => reconstruction.method === method)
      if (made === undefined) return html`<td>–</td>`
      const likeness = decibels(made.psnr)
      const isBest = made.psnr === best
      return html`<td class="${isBest ? 'best' : ''}">
        <img src="${made.image}" alt="${name} by ${nameOf(method)}, ${likeness}" /> ${
          isBest ? html`<b>${likeness}</b>` : likeness
        }
      </td>`
    })}
  </tr> `
}
