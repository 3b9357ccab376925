import { describe, expect, it } from 'vitest'
import { dayToCome } from './day-to-come.js'

const NOW = Date.parse('2026-11-28T12:00:00Z')

describe('a day to come', () => {
  it.each(['2026-11-29', '2028-02-29'])('is %s', (day) => expect(dayToCome(day, NOW)).toBe(day))

  it.each(['2027-02-30', '2027-02-29', '2026-11-28', '2025-12-01', '2027-1-1', 'tomorrow'])(
    'is not %s',
    (text) =>
      expect(() => dayToCome(text, NOW)).toThrow(
        expect.objectContaining({ code: 'usage/bad-value' }) as Error,
      ),
  )
})
