/** Eight colours, five dashes: 40 lines that differ, as in simulations/src/report/look.ts. */
const COLORS = 8
export const SERIES_VARIABLES: readonly string[] = Array.from(
  { length: COLORS },
  (_, i) => `--series-${i}`,
)
const DASHES: readonly (readonly number[])[] = [
  [],
  [7, 4],
  [2, 3],
  [10, 3, 2, 3],
  [10, 3, 2, 3, 2, 3],
]

/** How the line number `index` of a chart is drawn: a variable of the page, and lengths of strokes and gaps; empty: solid. */
export const seriesLook = (
  index: number,
): { readonly variable: string; readonly dash: readonly number[] } => ({
  variable: `--series-${index % COLORS}`,
  dash: DASHES[index % DASHES.length] ?? [],
})

/** What colours the variables stand for now: canvases know no variables. */
export function readColors(names: readonly string[]): ReadonlyMap<string, string> {
  const probe = document.createElement('span')
  document.body.append(probe)
  const colors = new Map(
    names.map((name) => {
      probe.style.color = `var(${name})`
      return [name, getComputedStyle(probe).color]
    }),
  )
  probe.remove()
  return colors
}
