import { describe, expect, it } from 'vitest'
import type { Dataset } from '#data/dataset.js'
import { temporaryDirectory } from '#testing/data-fixtures.js'
import { loadDataset } from './loader-list.js'

const { file, path } = temporaryDirectory()
const FLOWERS = '\ufeffid,width, height,kind\n1,1,10,rose\n2,2,10,aster\n3,6,10,"tulip, red"\n'

async function load(content: string, options: string, limit?: number): Promise<Dataset> {
  const source = `${await file('table.csv', content)}:${options}`
  return loadDataset({ name: 'csv', path: source, ...(limit === undefined ? {} : { limit }) })
}

describe('csv', () => {
  it('reads features in the order of the file and sorts the labels into classes', async () => {
    const data = await load(FLOWERS, 'label=kind:ignore=id:scale=none')
    expect(data.inputShape).toEqual([2])
    expect(data.classes).toEqual(['aster', 'rose', 'tulip, red'])
    expect([...data.labels]).toEqual([1, 0, 2])
    expect([...data.features]).toEqual([1, 10, 2, 10, 6, 10])
    expect(data.scaling).toBeUndefined()
  })

  it('standardises columns and states the statistics', async () => {
    const data = await load(FLOWERS, 'label=kind:ignore=id')
    // width: mean 3, variance ((-2)^2 + (-1)^2 + 3^2) / 3 = 14/3. height is constant: divisor 1.
    const deviation = Math.sqrt(14 / 3)
    expect(data.scaling).toEqual({
      kind: 'standard',
      columns: [
        { name: 'width', offset: 3, divisor: deviation },
        { name: 'height', offset: 10, divisor: 1 },
      ],
    })
    expect([...data.features]).toEqual(
      [-2, 0, -1, 0, 3, 0].map((value, i) => Math.fround(i % 2 ? 0 : value / deviation)),
    )
  })

  it('maps columns to 0 … 1', async () => {
    const data = await load(FLOWERS, 'label=kind:ignore=id:scale=minmax')
    expect([...data.features]).toEqual([0, 0, 0.2, 0, 1, 0].map(Math.fround))
    expect(data.scaling?.columns[0]).toEqual({ name: 'width', offset: 1, divisor: 5 })
  })

  it('scales by the statistics of another table', async () => {
    const columns = [
      { name: 'height', offset: 8, divisor: 4 },
      { name: 'width', offset: 1, divisor: 2 },
    ]
    const stats = await file('stats.json', JSON.stringify({ kind: 'standard', columns }))
    const data = await load(FLOWERS, `label=kind:ignore=id:stats=${stats}`)
    expect([...data.features]).toEqual([0, 0.5, 0.5, 0.5, 2.5, 0.5])
    expect(data.scaling?.kind).toBe('given')
  })

  it('orders labels that are whole numbers by value', async () => {
    const data = await load('x,y\n1,10\n2,9\n3,-1\n', 'label=y')
    expect(data.classes).toEqual(['-1', '9', '10'])
    expect([...data.labels]).toEqual([2, 1, 0])
  })

  it('takes given classes in their order, though the table lacks one', async () => {
    const data = await load('x,y\n1,b\n2,a\n', 'label=y:classes=c,b,a')
    expect(data.classes).toEqual(['c', 'b', 'a'])
    expect([...data.labels]).toEqual([1, 2])
  })

  it('stops at the limit, before rows that it could not read', async () => {
    const data = await load('x,y\n1,b\n2,a\nbroken,a\n', 'label=y', 2)
    expect(data.count).toBe(2)
  })

  it.each([
    ['x,y\n1,a\nold,b\n', 'label=y', /expected a number in line 3, column "x", found "old"/],
    ['x,y\n1,a\n,b\n', 'label=y', /line 3, column "x", found ""/],
    ['x,y\n1,a\nInfinity,b\n', 'label=y', /line 3, column "x", found "Infinity"/],
    ['x,y\n1,a\n1e39,b\n', 'label=y', /line 3, column "x", found "1e39"/],
    ['x,y\n1,a\n2\n', 'label=y', /expected 2 fields in line 3, found 1/],
    ['x,y\n1,a\n2,b,3\n', 'label=y', /expected 2 fields in line 3, found 3/],
    ['x,y\n1,a\n2,\n', 'label=y', /a label of 1 to 100 characters in line 3/],
    ['x,y\n1,a\n2,z\n', 'label=y:classes=a,b', /one of the labels a, b in line 3, found "z"/],
    ['x,y\n1,a\n2,a\n', 'label=y', /at least two different labels, found 1/],
    ['x,x,y\n1,2,a\n', 'label=y', /different names, found "x" twice/],
    ['y\na\nb\n', 'label=y', /a column beside "y", found none/],
    ['x,y\n', 'label=y', /at least one row, found none/],
    ['', 'label=y', /a header and at least one row/],
    ['x,y\n1,"a\n', 'label=y', /comma-separated values, found .*quote/i],
  ])('refuses %j with %s', async (content, options, message) => {
    await expect(load(content, options)).rejects.toMatchObject({ code: 'data/corrupt' })
    await expect(load(content, options)).rejects.toThrow(message)
    await expect(load(content, options)).rejects.toThrow(/table\.csv: /)
  })

  it.each([
    ['label=colour', /no column "colour" in the header; its columns are: id, width, height, kind/],
    ['scale=none', /Expected the label column: csv:FILE:label=COLUMN/],
    ['label=kind:scale=log', /got scale=log/],
    ['label=kind:scale=none:stats=x.json', /got scale=none and stats/],
    ['label=kind:classes=a,a', /two different names/],
    ['label=kind:lable=x', /Cannot use lable=x here; expected csv:FILE/],
  ])('refuses the options %s', async (options, message) => {
    await expect(load(FLOWERS, options)).rejects.toMatchObject({ code: 'usage/bad-value' })
    await expect(load(FLOWERS, options)).rejects.toThrow(message)
  })

  it('refuses statistics that lack a column or are none', async () => {
    const lacking = await file('lacking.json', '{"columns":[]}')
    await expect(load(FLOWERS, `label=kind:stats=${lacking}`)).rejects.toThrow(
      /statistics of the column "id", found none/,
    )
    const broken = await file('broken.json', '{"columns":[{"name":"id","offset":1,"divisor":0}]}')
    await expect(load(FLOWERS, `label=kind:stats=${broken}`)).rejects.toThrow(
      /divisors other than zero/,
    )
  })

  it('says that a file is not there', async () => {
    const loading = loadDataset({ name: 'csv', path: `${path()}/none.csv:label=y` })
    await expect(loading).rejects.toMatchObject({ code: 'data/not-found' })
    await expect(loading).rejects.toThrow(/none\.csv: expected a CSV file/)
  })
})
