import { describe, expect, it } from 'vitest'
import { barHeight, barOption } from './bar-option.js'
import { csvText } from './chart-files.js'
import { alignedOf } from './curve-rows.js'
import type { Sheet } from './echart.js'
import { heatHeight, heatOption, heatRange, mix, type Heat } from './heat-option.js'
import { placesFrom, placesOf, roomAbove, withOpacity } from './plot-options.js'
import { scatterOption } from './scatter-option.js'

const SHEET: Sheet = {
  ...{ width: 600, ink: 'rgb(0, 0, 0)', muted: 'rgb(90, 90, 90)', rule: 'rgb(220, 220, 220)' },
  ...{ paper: 'rgb(255, 255, 255)', series: ['rgb(0, 0, 100)', 'rgb(200, 80, 0)'], font: 'x' },
}
const HEAT: Heat = {
  ...{ rows: ['Bergen', 'Lyon'], columns: ['a', 'b', 'c'], rowLabel: 'Client' },
  ...{ columnLabel: 'Class', format: (value: number) => `${value} examples`, tick: String },
  values: [
    [0, 5, null],
    [10, 2, 1],
  ],
}
interface Item {
  readonly value: unknown
  readonly said: string
  readonly label?: { readonly color: string }
}
const itemsOf = (option: object): readonly Item[] =>
  (option as { series: { data: Item[] }[] }).series.flatMap(({ data }) => data)

describe('heat maps', () => {
  it('have an item for every known value, which says where it is; ink where the ground is pale', () => {
    const items = itemsOf(heatOption(HEAT)(SHEET))
    expect(items.map(({ said }) => said)).toEqual([
      'Client Bergen · Class a: 0 examples',
      'Client Bergen · Class b: 5 examples',
      'Client Lyon · Class a: 10 examples',
      'Client Lyon · Class b: 2 examples',
      'Client Lyon · Class c: 1 examples',
    ])
    expect(items[0]?.label?.color).toBe(SHEET.ink)
    expect(items[2]?.label?.color).toBe(SHEET.paper)
  })
  it('span their values, or what they are told', () => {
    expect(heatRange(HEAT)).toEqual([0, 10])
    expect(heatRange({ ...HEAT, range: [0, 1] })).toEqual([0, 1])
    expect(heatRange({ ...HEAT, values: [[null]] })).toEqual([0, 1])
  })
  it('stay on a page, however many rows there are', () => {
    const rows = Array.from({ length: 200 }, (_, i) => `client ${i}`)
    expect(heatHeight({ ...HEAT, rows }, 390)).toBeLessThan(700)
    expect(heatHeight(HEAT, 390)).toBeGreaterThan(60)
  })
  it('mix colours as browsers tell them', () => {
    expect(mix('rgb(0, 0, 100)', 'rgb(200, 200, 200)', 0.5)).toBe('rgb(100, 100, 150)')
    expect(withOpacity('rgb(1, 2, 3)', 0.5)).toBe('rgba(1, 2, 3, 0.5)')
  })
})

describe('bars and points', () => {
  it('say what they are, and leave gaps where nothing is known', () => {
    const bars = {
      ...{ categories: ['0', '1'], label: 'Class', format: (value: number) => `${value} !` },
      series: [
        { label: 'Before', values: [0.5, null] },
        { label: 'After', values: [1, 2] },
      ],
    }
    const items = itemsOf(barOption(bars)(SHEET))
    expect(items.map((item) => item.said)).toEqual([
      ...['0 · Before: 0.5 !', undefined, '0 · After: 1 !', '1 · After: 2 !'],
    ])
    expect(barHeight({ ...bars, room: 300 }, 600) - barHeight(bars, 600)).toBe(100)
  })
  it('points are as large as their share, by area', () => {
    const point = (size: number | null) => ({ name: 'x', x: 0, y: 0, size, said: 'x' })
    const option = scatterOption({
      points: [point(1), point(0), point(null)],
      xLabel: '',
      yLabel: '',
    })
    const sizes = (option(SHEET) as { series: { data: { symbolSize: number }[] }[] }).series
      .flatMap(({ data }) => data)
      .map(({ symbolSize }) => symbolSize)
    expect(sizes).toEqual([46, 7, 13.25])
  })
})

describe('bands of repeated runs', () => {
  const line = (id: string, band?: { low: number[]; high: number[] }) => ({
    ...{ id, label: id, x: [0, 1], y: [1, 2] },
    ...(band === undefined ? {} : { band }),
  })
  it('their ends stand behind all lines, and belong to theirs', () => {
    const lines = [
      line('a'),
      line('b', { low: [0, 1], high: [2, 3] }),
      line('c', { low: [5, 5], high: [6, 6] }),
    ]
    expect(alignedOf(lines)).toEqual([
      [0, 1],
      [1, 2],
      [1, 2],
      [1, 2],
      [2, 3],
      [0, 1],
      [6, 6],
      [5, 5],
    ])
    expect([0, 1, 2].map((i) => placesOf(lines, i))).toEqual([[1], [2, 4, 5], [3, 6, 7]])
  })
})

describe('numbers of a chart, to take along', () => {
  it('names that a spreadsheet would take for a formula, and what is not known', () => {
    expect(
      csvText([
        ['Client', '=1+1'],
        ['a,b', null],
        ['c', -1.5],
      ]),
    ).toBe(`Client,'=1+1\r\n"a,b",\r\nc,-1.5\r\n`)
  })
})

describe('ends of axes', () => {
  it('a single place stands at the left, where others will follow it', () => {
    expect([
      placesFrom([0], 0, 100),
      placesFrom([3, 9, 20], 3, 20),
      placesFrom([], null, null),
    ]).toEqual([
      [0, 1],
      [3, 20],
      [0, 1],
    ])
  })
  it('where all is 0 there is still an axis', () => {
    expect([roomAbove(0), roomAbove(null), roomAbove(10)]).toEqual([1, 1, 11])
  })
})
