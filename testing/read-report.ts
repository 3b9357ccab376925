/** What a test reads in a page that `compare --out` writes. */

/** Titles of sections. */
export const headings = (page: string): readonly string[] =>
  [...page.matchAll(/<h2[^>]*>([^<]+)</g)].map(([, title = '']) => title)
/** Markup as a reader sees it. */
export const seen = (markup: string): string =>
  markup
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll(/\s+/g, ' ')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
    .trim()
/** The cells of the first row of a table's body. */
export function firstRow(page: string, caption: string): readonly string[] {
  const table = page.split(/<caption>\s*/).find((text) => text.startsWith(caption)) ?? ''
  const [row = ''] = /<tbody>.*?<\/tr>/s.exec(table) ?? []
  return [...row.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/gs)].map(([, cell = '']) => seen(cell))
}
