import { describe, expect, it } from 'vitest'
import { ago, bytes, count, duration, number, percent, percentTick } from './format.js'

describe('how numbers and times are written', () => {
  it.each([
    [count(1234567), '1,234,567'],
    [percent(0.97312), '97.31 %'],
    [percent(1), '100.00 %'],
    [percentTick(0.8), '80 %'],
    [percentTick(0.0025), '0.25 %'],
    [number(0), '0'],
    [number(0.023341), '0.02334'],
    [number(123456), '123500'],
    [number(0.00001234), '1.23e-5'],
    [number(-3e9), '-3.00e+9'],
    [bytes(0), '0 B'],
    [bytes(999), '999 B'],
    [bytes(1250), '1.25 kB'],
    [bytes(2.5e15), '2.50e+3 TB'],
    [duration(4.25), '4.3 s'],
    [duration(45.4), '45 s'],
    [duration(200), '3 min 20 s'],
    [duration(60.2), '1 min'],
    [duration(7500), '2 h 05 min'],
    [duration(7210), '2 h'],
    [duration(300_000), '3 d'],
  ])('%s', (written, expected) => {
    expect(written).toBe(expected)
  })

  const now = Date.parse('2026-11-28T12:00:00.000Z')
  it.each([
    ['2026-11-28T12:00:10.000Z', 'just now'],
    ['2026-11-28T11:59:30.000Z', 'just now'],
    ['2026-11-28T11:59:00.000Z', '1 min ago'],
    ['2026-11-28T11:15:00.000Z', '45 min ago'],
    ['2026-11-28T06:00:00.000Z', '6 h ago'],
    ['2026-11-25T12:00:00.000Z', '3 d ago'],
    ['2026-11-02T12:00:00.000Z', '2 Nov'],
    ['2025-11-02T12:00:00.000Z', '2 Nov 2025'],
  ])('%s was %s', (time, expected) => {
    expect(ago(time, now)).toBe(expected)
  })
})
