import { expect, it } from 'vitest'
import {
  clipped,
  dayText,
  duration,
  gainText,
  probability,
  ratioText,
  timesCloser,
} from './audit-amounts.js'

it('writes gains with their sign, and no sign before nothing', () => {
  expect([8.04, -3.25, 0, -0.04, 0.04].map(gainText)).toEqual([
    ...['+8.0 dB', '−3.3 dB', '0.0 dB', '0.0 dB', '0.0 dB'],
  ])
})
it('writes times as long as they are', () => {
  expect([0.04, 14.2, 89, 91, 5340, 7834].map(duration)).toEqual([
    ...['0.0 s', '14 s', '89 s', '2 min', '89 min', '2 h 11 min'],
  ])
})
it('writes ratios with two digits', () => {
  expect([0.4123, 3.3203, 42.4, 250.4, 1_250_000].map(ratioText)).toEqual([
    ...['0.41', '3.3', '42', '250', '1.3 million'],
  ])
})
it('writes small probabilities as such', () => {
  expect([0.5, 0.00099, 0.001].map(probability)).toEqual(['0.500', '< 0.001', '0.001'])
})
it('knows that 6 dB are a quarter of the squared error', () => {
  expect(timesCloser(6)).toBeCloseTo(3.98, 2)
})
it('ends what is cut at a word', () => {
  expect(clipped('one two three', 9)).toBe('one two …')
  expect(clipped('one two', 9)).toBe('one two')
  expect(clipped('x'.repeat(20), 9)).toBe(`${'x'.repeat(9)} …`)
})
it('writes days without a time zone', () => {
  expect(dayText('2026-11-28T23:59:59.000Z')).toBe('28 November 2026')
  expect(dayText('2027-01-31')).toBe('31 January 2027')
})
