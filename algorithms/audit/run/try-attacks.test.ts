import { describe, expect, it } from 'vitest'
import { ATTACKS } from '#algorithms/audit/attack.js'
import { tinyAudit } from '#testing/tiny-audit.js'
import { attacksOf, iterationsOf, Meter, placebosOf } from './try-attacks.js'
import type { CellProgress } from './watch.js'

const names = (attacks: readonly { readonly name: string }[]) => attacks.map(({ name }) => name)
const spec = tinyAudit()

describe('attacks of an audit', () => {
  it('are those that were asked for, in the order of the specification, or all', () => {
    expect(names(attacksOf({ methods: ['dlg', 'ig', 'analytic'] }))).toEqual([
      ...['analytic', 'ig', 'dlg'],
    ])
    expect(names(attacksOf({ methods: null }))).toEqual(ATTACKS)
  })

  it('have placebos of every kind, all in a thorough audit, and never none', () => {
    const placebos = (file: object) => names(placebosOf({ ...spec, ...file }))
    expect(placebos({ methods: null })).toEqual(['analytic', 'latent', 'gifd', 'ig', 'gias'])
    expect(placebos({ methods: null, budgetName: 'thorough' })).toEqual(ATTACKS)
    expect(placebos({ methods: ['gi', 'ig'] })).toEqual(['ig'])
    expect(placebos({ methods: ['gi', 'dlg'] })).toEqual(['gi', 'dlg'])
  })

  it('cost nothing where they need a generator and there is none', () => {
    const iterations = (methods: readonly ('ig' | 'gifd' | 'ggl')[]) =>
      iterationsOf(attacksOf({ methods }), { budget: spec.budget, generator: null })
    expect(iterations(['gifd', 'ggl'])).toBe(0)
    expect(iterations(['gifd', 'ig'])).toBe(iterations(['ig']))
    expect(iterations(['ig'])).toBeGreaterThan(0)
  })
})

describe('the meter of a cell', () => {
  it('counts up to the whole, also where attacks take fewer or more than they might', () => {
    const told: CellProgress[] = []
    const meter = new Meter({ now: () => 0, onProgress: (one) => told.push(one) }, 3)
    meter.begin('ig')
    meter.step()
    meter.skipTo(2)
    meter.begin('gi')
    meter.step()
    meter.step()
    expect(told.map(({ method, done, total }) => `${method} ${done}/${total}`)).toEqual([
      ...['ig 1/3', 'ig 2/3', 'gi 3/3', 'gi 3/3'],
    ])
  })

  it('ends what it counts when it is told to', () => {
    const abort = new AbortController()
    const meter = new Meter({ now: () => 0, signal: abort.signal }, 3)
    meter.step()
    abort.abort()
    for (const go of [() => meter.step(), () => meter.begin('ig')]) {
      expect(go).toThrow(expect.objectContaining({ code: 'audit/interrupted' }) as Error)
    }
  })
})
