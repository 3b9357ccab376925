import { describe, expect, it } from 'vitest'
import { curveOption, type CurveChart, type CurvePoint } from './curves.js'
import { PAGE, PAPER } from './look.js'

const SHEET = { theme: PAPER, width: 500, height: 300 }
interface Line {
  readonly name?: string
  readonly stack?: string
  readonly data: readonly (readonly number[] | Item)[]
  readonly endLabel?: {
    readonly offset: readonly number[]
    readonly formatter: string
    readonly show: boolean
  }
  readonly lineStyle: { readonly type?: unknown }
  readonly symbol: string
}
interface Item {
  readonly value: readonly number[]
  readonly at: string
  readonly text: string
  readonly symbol?: string
}
/** An option as a page reads it. */
const read = (option: unknown) =>
  JSON.parse(JSON.stringify(option)) as {
    readonly series: readonly Line[]
    readonly xAxis: {
      readonly max: number
      readonly interval: number
      readonly data?: readonly string[]
    }
    readonly yAxis: { readonly min: number; readonly max: number }
    readonly title?: { readonly text: string }
    readonly legend?: { readonly data: readonly string[] }
  }
const chart = (...series: readonly (readonly CurvePoint[])[]): CurveChart => ({
  x: { label: 'round', unit: 'count' },
  y: { label: 'accuracy', unit: 'share' },
  series: series.map((points, i) => ({ name: `method ${i}`, letter: 'ABC'[i] ?? '', points })),
})

describe('curves', () => {
  const spread = [
    { x: 0, y: 0.2, low: 0.1, high: 0.25 },
    { x: 4, y: 0.5, low: 0.375, high: 0.75 },
  ]
  it('are means in percent, with a band from the lowest to the highest run', () => {
    const { series } = read(curveOption(chart(spread), SHEET))
    const [lower, upper, line] = series
    // Stacked: 25 - 10 = 15 and 75 - 37.5 = 37.5 on top of the lowest.
    expect(lower).toMatchObject({
      data: [
        [0, 10],
        [4, 37.5],
      ],
      stack: 'band 0',
    })
    expect(upper).toMatchObject({
      data: [
        [0, 15],
        [4, 37.5],
      ],
      stack: 'band 0',
    })
    expect(line?.data).toEqual([
      { value: [0, 20], at: 'round 0', who: 'A', text: '20.00 % (10.00–25.00 %)' },
      { value: [4, 50], at: 'round 4', who: 'A', text: '50.00 % (37.50–75.00 %)' },
    ])
  })
  it('have no band where runs do not differ', () => {
    const { series } = read(curveOption(chart([{ x: 1, y: 0.5, low: 0.5, high: 0.5 }]), SHEET))
    expect(series).toHaveLength(1)
  })
  it('begin at round 0 and end with the last, between round numbers of the axis', () => {
    const { xAxis, yAxis } = read(curveOption(chart(spread), SHEET))
    expect(xAxis).toMatchObject({ max: 4, interval: 1 })
    // The band, not the mean, decides.
    expect(yAxis).toMatchObject({ min: 0, max: 80 })
  })
  it('show at most a dozen markers, the last among them', () => {
    const points = Array.from({ length: 100 }, (_, x) => ({ x, y: x / 100 }))
    const [line] = read(curveOption(chart(points), SHEET)).series
    const items = (line?.data ?? []) as readonly Item[]
    const marked = items.filter(({ symbol }) => symbol === undefined)
    expect(marked).toHaveLength(12)
    expect(marked.at(-1)).toMatchObject({ value: [99, 99] })
  })
  it('that end together have letters one above the other', () => {
    const ends = [0.5, 0.5, 0.501].map((y) => [{ x: 3, y }])
    const { series } = read(curveOption(chart([{ x: 0, y: 0 }], ...ends), SHEET))
    const offsets = series.slice(1).map(({ endLabel }) => endLabel?.offset[1])
    // The highest keeps its place; in a plot of 240 pixels for 60 %, 0.1 % is less than one.
    expect(offsets).toEqual([13, 26, 0])
  })
  it('that end on the axis have letters above it', () => {
    const { series } = read(
      curveOption(chart([{ x: 0, y: 1 }], [{ x: 3, y: 0 }], [{ x: 3, y: 0 }]), SHEET),
    )
    expect(series.slice(1).map(({ endLabel }) => endLabel?.offset[1])).toEqual([-13, 0])
  })
  it('lead by dots to what stands aside, with a star there, and the letter', () => {
    const aside = [...spread, { x: 5, y: 0.75, isAside: true }]
    const drawn = read(curveOption(chart(aside), SHEET)).series.slice(2)
    const places = drawn.map(({ data }) =>
      (data as readonly Item[]).map(({ value, symbol }) => [...value, symbol ?? 'marked']),
    )
    expect(places).toEqual([
      [
        [0, 20, 'marked'],
        [4, 50, 'marked'],
      ],
      [
        [5, null, 'none'],
        [4, 50, 'none'],
        [5, 75, 'marked'],
      ],
    ])
    expect(drawn.map(({ endLabel }) => endLabel?.show)).toEqual([false, true])
    expect(drawn.map(({ lineStyle }) => lineStyle.type)).toEqual(['solid', [2, 3]])
  })
  it('lead from the line to each of several that stand aside', () => {
    const points = [0, 1, 2].map((x) => ({ x, y: x / 4, ...(x > 0 ? { isAside: true } : {}) }))
    const [, branch] = read(curveOption(chart(points), SHEET)).series
    const ends = (branch?.data as readonly Item[]).filter(({ value }) => value[1] !== null)
    expect(ends.map(({ value }) => value[0])).toEqual([0, 1, 0, 2])
  })
  it('reach the range of what stands aside', () => {
    const aside = [
      { x: 0, y: 0.5 },
      { x: 1, y: 0.75, low: 0.7, high: 0.8, isAside: true },
    ]
    const [, branch] = read(curveOption(chart(aside), SHEET)).series
    expect((branch?.data as readonly Item[]).map(({ value }) => value)).toEqual([
      ...[
        [1, null],
        [1, 70],
        [1, 80],
        [1, null],
      ],
      ...[
        [0, 50],
        [1, 75],
      ],
    ])
  })
  it('run over names as well as over numbers', () => {
    const names = ['conv1', 'a very long name of a layer', 'head']
    const points = [0, 1, 2].map((x) => ({ x, y: 0.5 }))
    const named = { ...chart(points), x: { label: 'layer', unit: 'count' as const, names } }
    const { series, xAxis } = read(curveOption(named, SHEET))
    expect(xAxis).toMatchObject({
      type: 'category',
      data: ['conv1', 'a very long name of…', 'head'],
    })
    expect((series[0]?.data as readonly Item[]).map(({ at }) => at)).toEqual(xAxis.data)
  })
  it('differ without colour', () => {
    const many = Array.from({ length: 8 }, () => [{ x: 0, y: 0.5 }])
    const { series } = read(curveOption(chart(...many), SHEET))
    const looks = series.map(
      ({ lineStyle, symbol }) => `${JSON.stringify(lineStyle.type)} ${symbol}`,
    )
    expect(new Set(looks).size).toBe(8)
  })
  it('have title and legend only where they stand alone', () => {
    expect(read(curveOption(chart(spread), SHEET))).not.toHaveProperty('legend')
    const alone = read(curveOption(chart(spread, spread), { ...SHEET, title: 'Accuracy' }))
    expect(alone.title?.text).toBe('Accuracy')
    expect(alone.legend?.data).toEqual(['method 0', 'method 1'])
  })
  it('take every colour from the variables of a page', () => {
    const text = JSON.stringify(curveOption(chart(spread, spread), { ...SHEET, theme: PAGE }))
    expect(text.match(/#[0-9a-f]{3,8}\b|rgb/gi)).toBeNull()
    expect(text).toContain('var(--series-1)')
  })
})
