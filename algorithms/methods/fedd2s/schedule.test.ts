import { describe, expect, it } from 'vitest'
import { cutSchedule, defaultInterval, type ScheduleOptions } from './schedule.js'

/** The worked example of the specification (§4): L = 4, the default interval of 20 rounds. */
const EXAMPLE: ScheduleOptions = {
  ...{ depths: [3, 2, 1], deepest: 3, rounds: 20, interval: null },
  schedule: 'deepToShallow',
}
const rounds = Array.from({ length: 20 }, (_, r) => r)
const times = <T>(count: number, value: T): T[] => new Array<T>(count).fill(value)

describe('the schedule of cuts', () => {
  it('I1: is the table of the specification exactly', () => {
    const { interval, stage, depth, place } = cutSchedule(EXAMPLE)
    expect(interval).toBe(4)
    expect(rounds.map(stage)).toEqual([...times(4, 0), ...times(4, 1), ...times(12, 2)])
    expect(rounds.map(depth)).toEqual([...times(4, 3), ...times(4, 2), ...times(12, 1)])
    expect(rounds.map(place)).toEqual(rounds.map(stage))
  })

  it('I1: begins with the first cut, never goes back, and stays at the last from round A (m − 1)', () => {
    const sets = [[3, 2, 1], [5, 2], [4, 3, 1], [2]]
    for (const depths of sets) {
      for (const interval of [1, 2, 7]) {
        const { depth } = cutSchedule({ ...EXAMPLE, depths, deepest: 5, interval })
        const used = Array.from({ length: 40 }, (_, r) => depth(r))
        expect(used[0]).toBe(depths[0])
        used.forEach((cut, r) => {
          expect(depths).toContain(cut)
          if (r > 0) expect(cut).toBeLessThanOrEqual(used[r - 1]!)
          if (r >= interval * (depths.length - 1)) expect(cut).toBe(depths.at(-1))
        })
      }
    }
  })

  it('for consecutive cuts is max(c_last, c_0 − floor(r / A))', () => {
    const { depth } = cutSchedule({ ...EXAMPLE, interval: 3 })
    rounds.forEach((r) => expect(depth(r)).toBe(Math.max(1, 3 - Math.floor(r / 3))))
  })

  it('reversed walks the same set from its last cut to its first', () => {
    const { depth, place, stage } = cutSchedule({ ...EXAMPLE, schedule: 'reversed' })
    expect(rounds.map(depth)).toEqual([...times(4, 1), ...times(4, 2), ...times(12, 3)])
    expect([place(0), stage(0)]).toEqual([2, 0])
  })

  it('fixed has one cut', () => {
    const fixed = { ...EXAMPLE, schedule: 'fixed' } as const
    const { depth, isStageStart } = cutSchedule({ ...fixed, depths: [2] })
    expect(rounds.map(depth)).toEqual(times(20, 2))
    expect(rounds.filter(isStageStart)).toEqual([0])
    expect(() => cutSchedule(fixed)).toThrow('takes one cut')
  })

  it.each([1, 2, 5])('I2: a stage starts exactly m times (A = %i)', (interval) => {
    for (const schedule of ['deepToShallow', 'reversed'] as const) {
      const { isStageStart } = cutSchedule({ ...EXAMPLE, schedule, interval })
      const starts = Array.from({ length: 100 }, (_, r) => r).filter(isStageStart)
      expect(starts).toEqual([0, interval, 2 * interval])
    }
  })

  it.each([
    ['nothing', []],
    ['equal cuts', [2, 2]],
    ['shallow before deep', [1, 2]],
    ['the raw input', [2, 0]],
    ['the logits', [4, 2]],
    ['half a layer', [2.5, 1]],
  ])('I3: refuses a dropping set with %s', (_name, depths) => {
    expect(() => cutSchedule({ ...EXAMPLE, depths })).toThrow(
      expect.objectContaining({ code: 'config/impossible' }),
    )
  })

  it.each([0, -1, 1.5])('refuses an interval of %d rounds', (interval) => {
    expect(() => cutSchedule({ ...EXAMPLE, interval })).toThrow('dropping interval')
  })

  it('has an interval of at least one round by default', () => {
    expect(defaultInterval(20, 3)).toBe(4)
    expect(defaultInterval(2, 3)).toBe(1)
    expect(defaultInterval(100, 1)).toBe(33)
  })

  it('D13: a single cut is a fixed one', () => {
    const { depth, isStageStart } = cutSchedule({ ...EXAMPLE, depths: [2] })
    expect(rounds.map(depth)).toEqual(times(20, 2))
    expect(rounds.filter(isStageStart)).toEqual([0])
  })

  it.each([20, 21, 1000])('D14: an interval of %i in 20 rounds never leaves the first cut', (A) => {
    const { depth, isStageStart } = cutSchedule({ ...EXAMPLE, interval: A })
    expect(rounds.map(depth)).toEqual(times(20, 3))
    expect(rounds.filter(isStageStart)).toEqual([0])
  })

  it('D15: a model of two layers has one possible cut', () => {
    const { depth } = cutSchedule({ ...EXAMPLE, depths: [1], deepest: 1 })
    expect(rounds.map(depth)).toEqual(times(20, 1))
    expect(() => cutSchedule({ ...EXAMPLE, depths: [2, 1], deepest: 1 })).toThrow()
  })
})
