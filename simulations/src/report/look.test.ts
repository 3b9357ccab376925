import { expect, it } from 'vitest'
import { markOf, PAPER } from './look.js'

const looks = (of: (index: number) => unknown, count: number): number =>
  new Set(Array.from({ length: count }, (_, i) => JSON.stringify(of(i)))).size

it('tells 32 markers apart, and 40 lines', () => {
  const marker = (index: number) => {
    const { color, symbol, isHollow } = markOf(index, PAPER)
    return { color, symbol, isHollow }
  }
  const line = (index: number) => {
    const { color, dash } = markOf(index, PAPER)
    return { color, dash }
  }
  expect(looks(marker, 32)).toBe(32)
  expect(looks(line, 40)).toBe(40)
})
