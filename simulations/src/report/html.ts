/** HTML in which every value is escaped unless it is HTML itself. */

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
/** For text and for quoted attributes. */
export const escapeText = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '')

/** Markup that was put together here, or by a renderer that escapes. */
export class Html {
  constructor(readonly markup: string) {}
}
export type Part = Html | string | number | readonly Html[]

const markupOf = (part: Part): string => {
  if (part instanceof Html) return part.markup
  return typeof part === 'object'
    ? part.map(({ markup }) => markup).join('')
    : escapeText(String(part))
}

export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(
    strings.map((text, i) => text + (i < parts.length ? markupOf(parts[i] ?? '') : '')).join(''),
  )
}

/** A value for a script to read, inside a `<script type="application/json">`. */
export const jsonData = (value: unknown): Html =>
  new Html(
    JSON.stringify(value)
      .replaceAll('<', '\\u003c')
      .replaceAll('\u2028', '\\u2028')
      .replaceAll('\u2029', '\\u2029'),
  )

export type Cell = Html | string
export interface Column {
  readonly head: Cell
  /** Aligned to the right, digits of equal width. */
  readonly isNumber?: boolean
}
/** A real table that scrolls sideways where it is wider than the page. The first cell of a row is its heading. */
export function table(
  caption: string,
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
): Html {
  const kind = (column: number): Html =>
    columns[column]?.isNumber === true ? html` class="number"` : html``
  const head = columns.map(({ head }, i) => html`<th scope="col" ${kind(i)}>${head}</th>`)
  const body = rows.map(
    (row) =>
      html`<tr>
        ${row.map((cell, i) =>
          i === 0
            ? html`<th scope="row" ${kind(i)}>${cell}</th>`
            : html`<td${kind(i)}>${cell}</td>`,
        )}
      </tr> `,
  )
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}">
    <table>
      <caption>
        ${caption}
      </caption>
      <thead>
        <tr>
          ${head}
        </tr>
      </thead>
      <tbody>
        ${body}
      </tbody>
    </table>
  </div> `
}
