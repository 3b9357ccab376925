import { describe, expect, it } from 'vitest'
import { PAPER } from './look.js'
import { MOST_DOTS, stripOption, type Strip } from './strips.js'

const SHEET = { theme: PAPER, width: 500, height: 300 }
const strip = (name: string, values: readonly number[], letter?: string): Strip => ({
  ...{ name, ...(letter === undefined ? {} : { letter }) },
  dots: values.map((y, slot) => ({ y, at: `slot ${slot}` })),
})
interface Dot {
  readonly value: readonly [number, number]
  readonly at: string
  readonly who: string
  readonly text: string
}
const read = (...strips: readonly Strip[]) =>
  JSON.parse(
    JSON.stringify(
      stripOption({ label: 'variant', y: { label: 'accuracy', unit: 'share' }, strips }, SHEET),
    ),
  ) as {
    readonly series: readonly {
      readonly type: string
      readonly data: readonly unknown[]
      readonly stack?: string
      readonly symbolSize?: number
    }[]
    readonly xAxis: readonly [{ readonly data: readonly string[] }, { readonly max: number }]
  }
const dotsOf = ({ series }: ReturnType<typeof read>, place = 0): readonly Dot[] =>
  series.filter(({ type }) => type === 'scatter')[place]?.data as readonly Dot[]

describe('strips', () => {
  it('have a dot for each client, within the room of the strip, and tell who it is', () => {
    const option = read(strip('fedavg', [0.5, 0.9, 0.7]), strip('alone', [1], 'B'))
    expect(option.xAxis[0].data).toEqual(['fedavg', 'B'])
    expect(option.xAxis[1].max).toBe(2)
    const dots = dotsOf(option)
    expect(dots.map(({ value: [, y] }) => y)).toEqual([50, 70, 90])
    for (const { value } of dots) expect(Math.abs(value[0] - 0.5)).toBeLessThan(0.25)
    expect(dots[2]).toMatchObject({ at: 'slot 1', who: 'fedavg', text: '90.00 %' })
    const [second] = dotsOf(option, 1)
    expect(second).toMatchObject({ who: 'B' })
    expect(Math.abs(second!.value[0] - 1.5)).toBeLessThan(0.25)
  })

  it('have a box over the middle half and a line at the mean', () => {
    // Quartiles of 0, 0.2, 0.4, 0.6, 1: 0.2 and 0.6; mean 0.44.
    const { series } = read(strip('fedavg', [0.2, 0, 0.4, 1, 0.6]))
    const [low, height, , mean] = series
    const heights = (one: typeof low) => (one?.data as number[][]).map(([, y]) => y)
    expect([low, height].map((one) => one?.stack)).toEqual(['box 0', 'box 0'])
    expect(heights(low)).toEqual([20, 20])
    expect(heights(height)).toEqual([40, 40])
    expect(heights(mean)).toEqual([44, 44])
    expect(mean).not.toHaveProperty('stack')
  })

  it('of a crowd show some for all, from the lowest to the highest, and smaller', () => {
    const crowd = Array.from({ length: 1001 }, (_, i) => ((i * 5) % 1001) / 1000)
    const option = read(strip('fedavg', crowd))
    const heights = dotsOf(option).map(({ value: [, y] }) => y)
    expect(heights).toHaveLength(MOST_DOTS)
    expect([heights[0], heights.at(-1)]).toEqual([0, 100])
    const sizes = [option, read(strip('fedavg', [0.5]))].map(
      ({ series }) => series.find(({ type }) => type === 'scatter')?.symbolSize ?? 0,
    )
    expect(sizes[0]).toBeLessThan(sizes[1]!)
  })

  it('without dots are empty', () => {
    expect(read(strip('fedavg', [0.5]), strip('other', [])).series).toHaveLength(4)
  })
})
