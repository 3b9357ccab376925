import { describe, expect, it } from 'vitest'
import { seen } from '#testing/read-report.js'
import { heatSvg, heatWidth, type HeatPanel } from './heat-map.js'
import { PAGE, PAPER } from './look.js'

const panel = (changes: Partial<HeatPanel> = {}): HeatPanel => ({
  ...{ title: 'norms', rowLabel: 'client', columnLabel: 'class' },
  ...{ rows: ['a', 'b'], columns: ['x', 'y'] },
  values: [
    [1, 2],
    [1.5, null],
  ],
  text: (value) => value.toFixed(2),
  ...changes,
})
const draw = (panels: readonly HeatPanel[], width = 1080) =>
  heatSvg(panels, { theme: PAPER, width, label: 'Norms' }).markup
/** The shades of cells with what they say. */
const cells = (svg: string) =>
  [...svg.matchAll(/fill-opacity="([\d.]+)"><title>([^<]*)</g)].map(([, shade, text]) => [
    text,
    Number(shade),
  ])

describe('a heat map', () => {
  it('is palest at the smallest value and full at the largest, and says both', () => {
    const svg = draw([panel()])
    // From 0.07 to 1; 1.5 lies in the middle.
    expect(cells(svg)).toEqual([
      ['a, x: 1.00', 0.07],
      ['a, y: 2.00', 1],
      ['b, x: 1.50', 0.535],
    ])
    expect(svg).toContain('>–<')
    expect(seen(svg.slice(svg.lastIndexOf('</title>')))).toMatch(/client class 1\.00 2\.00$/)
  })
  it('has the range that it is told, and stays in it', () => {
    expect(
      cells(draw([panel({ range: [0, 1], values: [[0.5, 7]] })])).map(([, shade]) => shade),
    ).toEqual([0.535, 1])
  })
  it('has one shade where all values are the same, and none where nothing is known', () => {
    expect(cells(draw([panel({ values: [[3, 3]] })])).map(([, shade]) => shade)).toEqual([
      0.535, 0.535,
    ])
    expect(cells(draw([panel({ values: [[null, null]] })]))).toEqual([])
  })
  it('writes values into cells that have room, on every shade in a colour that can be read', () => {
    const svg = draw([panel()])
    expect(svg).toMatch(new RegExp(`fill="${PAPER.paper}">2.00<`))
    expect(svg).toMatch(new RegExp(`fill="${PAPER.ink}">1.00<`))
    const many = Array.from({ length: 100 }, (_, i) => `n${i}`)
    const values = many.map((_, i) => many.map((_other, j) => i + j))
    const crowded = draw([panel({ rows: many, columns: many, values })])
    expect(crowded.includes('pointer-events')).toBe(false)
    // Cells of ten pixels: every second name.
    const names = seen(crowded.replaceAll(/<title>.*?<\/title>/g, ''))
    expect([names.includes('n2'), names.includes('n1 ')]).toEqual([true, false])
  })
  it('has panels side by side with cells of one size, and says what room they need', () => {
    const wide = Array.from({ length: 100 }, (_, i) => `${i}`)
    const panels = [panel(), panel({ columns: wide, values: [wide.map(Number)] })]
    expect(heatWidth(panels)).toBeGreaterThan(600)
    const sizes = new Set(
      [...draw(panels).matchAll(/<rect [^>]* width="(\d+)"[^>]*><title>/g)].map(([, size]) => size),
    )
    expect(sizes.size).toBe(1)
  })
  it('writes names as text, short, and takes colours from the variables of a page', () => {
    const name = '<script>alert("1")</script>'
    const hostile = panel({
      title: name,
      rows: [name, name],
      columns: [name, name],
      rowLabel: name,
    })
    const svg = heatSvg([hostile], { theme: PAGE, width: 500, label: name }).markup
    expect(svg).not.toContain('<script')
    expect(svg).toContain('&lt;script&gt;alert…')
    expect(svg.replaceAll('#39;', '').match(/#[0-9a-f]{3,8}\b|rgb/gi)).toBeNull()
    expect(svg).toContain('fill="var(--series-0)"')
  })
})
