import { describe, expect, it } from 'vitest'
import { barSvg, curveSvg, stripSvg } from './figures.js'

const HOSTILE = '</text></svg><script>alert("1")</script> zr0-c0 url(#zr1-c0) & \u0001\ud800'
const curves = (name = 'fedavg') =>
  curveSvg({
    title: `Accuracy ${name}`,
    x: { label: 'round', unit: 'count' },
    y: { label: 'accuracy', unit: 'share' },
    series: [
      {
        name,
        points: [
          { x: 0, y: 0.1 },
          { x: 1, y: 0.8, low: 0.7, high: 0.9 },
        ],
      },
      {
        name: 'other',
        points: [
          { x: 0, y: 0.1 },
          { x: 1, y: 0.6 },
        ],
      },
    ],
  })
const bars = (name = 'fedavg') =>
  barSvg({
    title: 'Bytes',
    categories: ['up', name],
    label: 'direction',
    y: { label: 'bytes', unit: 'bytes' },
    form: 'bars',
    series: [
      { name, values: [{ y: 2e6 }, { y: 3e6 }] },
      { name: 'other', values: [{ y: 1e6 }, null] },
    ],
  })
const strips = (name = 'fedavg') =>
  stripSvg({
    title: 'Clients',
    label: 'variant',
    y: { label: 'accuracy', unit: 'share' },
    strips: [
      { name, dots: [0.5, 0.75, 0.625].map((y, slot) => ({ y, at: `slot ${slot}` })) },
      { name: 'other', dots: [{ y: 0.25, at: 'slot 0' }] },
    ],
  })

describe('a figure', () => {
  it.each([
    ['curves', curves],
    ['bars', bars],
    ['strips', strips],
  ])('of %s has the same bytes every time, and nothing that counts charts', (_, draw) => {
    const first = draw()
    expect(draw()).toBe(first)
    expect(first).not.toMatch(/zr\d/)
    expect(first).not.toMatch(/<style|class=|ecmeta/)
    expect(first).toMatch(/^<svg width="720" height="440" viewBox="0 0 720 440" /)
    for (const [, id] of first.matchAll(/url\(#([^)]+)\)/g)) expect(first).toContain(`id="${id}"`)
  })
  it('stands alone: white, with title, legend and units', () => {
    const text = curves()
    expect(text).toMatch(/<rect width="720" height="440"[^>]* fill="#ffffff">/)
    for (const word of ['Accuracy fedavg', 'other', 'round', '100 %'])
      expect(text).toContain(`>${word}<`)
    expect(bars()).toContain('>3 MB<')
    expect(text).not.toContain('var(')
  })
  it.each([
    ['curves', curves],
    ['bars', bars],
    ['strips', strips],
  ])('of %s writes names as text', (_, draw) => {
    const text = draw(HOSTILE)
    expect(text).not.toContain('<script')
    expect(text.match(/<\/svg>/g)).toHaveLength(1)
    // eslint-disable-next-line no-control-regex -- XML cannot hold them
    expect(text).not.toMatch(/[\u0001\ud800]/)
  })
  it('leaves names alone that look like what it replaces', () => {
    expect(curves(HOSTILE)).toContain('zr0-c0 url(#zr1-c0) &amp;')
  })
})
