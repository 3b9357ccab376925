/** In which order a table's rows stand. */
export interface Sort {
  readonly by: string
  readonly isDescending: boolean
}

/** Rows with nothing to go by stand last, whichever way; equal ones stay as they stood. */
export function sorted<Row>(
  rows: readonly Row[],
  sortBy: ((row: Row) => string | number | null) | undefined,
  isDescending: boolean,
): readonly Row[] {
  if (sortBy === undefined) return rows
  const sign = isDescending ? -1 : 1
  return rows
    .map((row) => ({ row, value: sortBy(row) }))
    .sort((a, b) => {
      if (a.value === null || b.value === null)
        return Number(a.value === null) - Number(b.value === null)
      return sign * compare(a.value, b.value)
    })
    .map(({ row }) => row)
}

const names = new Intl.Collator('en', { numeric: true, sensitivity: 'base' })
const compare = (a: string | number, b: string | number): number =>
  typeof a === 'number' && typeof b === 'number' ? a - b : names.compare(String(a), String(b))

/** As an address has it: `name`, or `-name` from the last to the first. */
export const sortText = ({ by, isDescending }: Sort): string => `${isDescending ? '-' : ''}${by}`
export const sortOf = (text: string): Sort =>
  text.startsWith('-')
    ? { by: text.slice(1), isDescending: true }
    : { by: text, isDescending: false }
