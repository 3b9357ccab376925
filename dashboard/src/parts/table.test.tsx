import { cleanup, render, screen, within } from '@testing-library/react'
import { userEvent } from '@testing-library/user-event'
import { useState } from 'react'
import { afterEach, describe, expect, it } from 'vitest'
import type { Sort } from './sorting.js'
import { Table, type Column } from './table.js'

interface Row {
  readonly id: string
  readonly score: number
}
const COLUMNS: readonly Column<Row>[] = [
  { id: 'name', header: 'Name', isRowHeader: true, cell: ({ id }) => id, sortBy: ({ id }) => id },
  {
    id: 'score',
    header: 'Score',
    align: 'end',
    cell: (row) => row.score,
    sortBy: (row) => row.score,
  },
  { id: 'fixed', header: 'Fixed', cell: () => 'x' },
]
const ROWS: readonly Row[] = [
  { id: 'a', score: 2 },
  { id: 'b', score: 3 },
  { id: 'c', score: 1 },
]

function Sorted({
  rows = ROWS,
  most = 2,
}: {
  readonly rows?: readonly Row[]
  readonly most?: number
}) {
  const [sort, setSort] = useState<Sort>({ by: 'name', isDescending: false })
  const [keys, setKeys] = useState<ReadonlySet<string>>(new Set())
  return (
    <>
      <Table
        caption="Scores"
        columns={COLUMNS}
        rows={rows}
        keyOf={({ id }) => id}
        sort={sort}
        onSort={setSort}
        selection={{ keys, onChange: setKeys, label: (key) => `Compare ${key}`, most }}
      />
      <output>{[...keys].join()}</output>
    </>
  )
}
const order = (): readonly (string | null)[] =>
  screen.getAllByRole('rowheader').map((cell) => cell.textContent)

describe('a table', () => {
  afterEach(cleanup)

  it('has a name, and rows that have one', () => {
    render(<Sorted />)
    const table = screen.getByRole('table', { name: 'Scores' })
    expect(within(table).getAllByRole('row')).toHaveLength(4)
    expect(order()).toEqual(['a', 'b', 'c'])
  })
  it('is put in order by keyboard: names from A, numbers from the largest, and the other way round', async () => {
    const user = userEvent.setup()
    render(<Sorted />)
    const header = (name: string): HTMLElement => screen.getByRole('columnheader', { name })
    expect(header('Name').getAttribute('aria-sort')).toBe('ascending')
    within(header('Score')).getByRole('button').focus()
    await user.keyboard('{Enter}')
    expect([order(), header('Score').getAttribute('aria-sort')]).toEqual([
      ['b', 'a', 'c'],
      'descending',
    ])
    expect(header('Name').getAttribute('aria-sort')).toBe('none')
    await user.keyboard('{Enter}')
    expect(order()).toEqual(['c', 'a', 'b'])
    expect(within(header('Fixed')).queryByRole('button')).toBeNull()
  })
  it('lets so many rows be chosen and no more', async () => {
    const user = userEvent.setup()
    render(<Sorted />)
    const box = (key: string): HTMLInputElement =>
      screen.getByRole('checkbox', { name: `Compare ${key}` })
    await user.click(box('a'))
    await user.click(box('c'))
    expect(screen.getByRole('status').textContent).toBe('a,c')
    expect([box('a').disabled, box('b').disabled]).toEqual([false, true])
    await user.click(box('a'))
    expect([screen.getByRole('status').textContent, box('b').disabled]).toEqual(['c', false])
  })
  it('draws a hundred rows at a time', async () => {
    const user = userEvent.setup()
    const rows = Array.from({ length: 130 }, (_, i) => ({ id: `r${i}`, score: i }))
    render(<Sorted rows={rows} />)
    // Asking by role would look at every cell.
    const drawn = (): number => document.querySelectorAll('tbody tr').length
    expect(drawn()).toBe(100)
    await user.click(screen.getByText('Show more (30 left)'))
    expect(drawn()).toBe(130)
  })
})
