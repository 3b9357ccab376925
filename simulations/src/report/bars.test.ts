import { describe, expect, it } from 'vitest'
import { barOption, type BarChart } from './bars.js'
import type { ChartValue } from './chart.js'
import { PAPER } from './look.js'

const SHEET = { theme: PAPER, width: 500, height: 300 }
const chart = (
  form: BarChart['form'],
  ...series: readonly (readonly (ChartValue | null)[])[]
): BarChart => ({
  categories: ['cat', 'dog'],
  label: 'class',
  y: { label: 'recall', unit: 'share' },
  form,
  series: series.map((values, i) => ({ name: `method ${i}`, values })),
})
const read = (option: unknown) =>
  JSON.parse(JSON.stringify(option)) as {
    readonly series: readonly {
      readonly type: string
      readonly data: readonly unknown[]
      readonly itemStyle?: { readonly decal?: object }
    }[]
    readonly xAxis: readonly [
      { readonly data: readonly string[]; readonly axisLabel: { readonly rotate: number } },
      { readonly max: number },
    ]
    readonly yAxis: { readonly min: number; readonly max: number }
  }

describe('bars', () => {
  it('begin at 0, with a whisker over the middle of a bar from the lowest to the highest run', () => {
    const two = chart('bars', [{ y: 0.9, low: 0.85, high: 0.95 }, null], [{ y: 0.8 }, { y: 0.7 }])
    const { series, yAxis } = read(barOption(two, SHEET))
    expect(yAxis).toMatchObject({ min: 0, max: 100 })
    const [first, whisker, second] = series
    expect(first?.data).toEqual([
      { value: 90, at: 'cat', who: 'method 0', text: '90.00 % (85.00–95.00 %)' },
      null,
    ])
    // Two bars share 0.7 of a category: the first reaches from 0.15 to 0.5.
    expect(whisker?.data).toEqual([
      [0.325, 85],
      [0.325, 95],
      [0.325, null],
    ])
    expect(second?.data).toMatchObject([{ value: 80 }, { value: 70 }])
    expect(series).toHaveLength(3)
  })
  it('are hatched differently side by side', () => {
    const { series } = read(barOption(chart('bars', [{ y: 1 }], [{ y: 1 }], [{ y: 1 }]), SHEET))
    const hatches = series.map(({ itemStyle }) => JSON.stringify(itemStyle?.decal))
    expect(new Set(hatches).size).toBe(3)
    expect(hatches[0]).toBeUndefined()
  })
  it('can have the colour of the subject that a category is', () => {
    const { series } = read(
      barOption({ ...chart('bars', [{ y: 1 }, { y: 1 }]), looks: [3, 1] }, SHEET),
    )
    expect(series[0]?.data).toMatchObject(
      [3, 1].map((look) => ({ itemStyle: { color: PAPER.series[look] } })),
    )
  })
  it('reach at least as far as a neighbour with the same axis', () => {
    const small = chart('bars', [{ y: 0.1 }])
    const option = barOption({ ...small, y: { ...small.y, upTo: 0.75 } }, SHEET)
    expect(read(option).yAxis).toMatchObject({ min: 0, max: 80 })
  })
})

describe('markers', () => {
  it('have an axis of their own range, and stand side by side', () => {
    const { series, yAxis, xAxis } = read(
      barOption(chart('markers', [{ y: 0.9 }, { y: 0.98 }], [null, { y: 0.95 }]), SHEET),
    )
    expect(yAxis).toMatchObject({ min: 90, max: 98 })
    expect(xAxis[1].max).toBe(2)
    expect(series.map(({ type, data }) => [type, data])).toMatchObject([
      ['scatter', [{ value: [0.325, 90] }, { value: [1.325, 98] }]],
      ['scatter', [{ value: [1.675, 95] }]],
    ])
  })
  it('have short labels on one line, leaning where there is no room', () => {
    const long = `a very long name\nof a class that nobody reads`
    const { xAxis } = read(
      barOption(
        { ...chart('markers', [{ y: 1 }]), categories: Array<string>(9).fill(long) },
        SHEET,
      ),
    )
    expect(xAxis[0].data[0]).toBe('a very long name of…')
    expect(xAxis[0].axisLabel.rotate).toBe(40)
    expect(read(barOption(chart('markers', [{ y: 1 }]), SHEET)).xAxis[0].axisLabel.rotate).toBe(0)
  })
})
