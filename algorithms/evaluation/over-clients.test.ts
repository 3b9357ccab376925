import { describe, expect, it } from 'vitest'
import { overClients } from './over-clients.js'

describe('accuracies over clients', () => {
  it('give mean, population deviation, worst clients and evenness', () => {
    // Mean 0.5, squares of deviations 0.09, 0.01, 0.16: 0.26 / 3 — not / 2, these clients are all there are.
    expect(overClients([0.8, 0.6, 0.1])).toEqual({
      ...{ count: 3, accuracy: near(0.5), variance: near(0.26 / 3) },
      ...{ deviation: near(Math.sqrt(0.26 / 3)), worst: 0.1, worst10: 0.1 },
      // 1.5² / (3 · 1.01)
      jain: near(2.25 / 3.03),
    })
  })

  it('take the lowest tenth, rounded up to whole clients', () => {
    const eleven = Array.from({ length: 11 }, (_, i) => (11 - i) / 20)
    expect(overClients(eleven)).toMatchObject({ worst: 0.05, worst10: near(0.075) })
    expect(overClients(eleven.slice(1))?.worst10).toBe(0.05)
  })

  it('are even where all have the same, also where that is nothing', () => {
    expect(overClients([0.25, 0.25])).toMatchObject({ deviation: 0, jain: 1 })
    expect(overClients([0, 0, 0])).toMatchObject({ accuracy: 0, deviation: 0, jain: 1 })
    expect(overClients([1, 0, 0, 0])?.jain).toBe(0.25)
  })

  it('of nobody are nothing', () => {
    expect(overClients([])).toBeNull()
  })
})

const near = (value: number): number => expect.closeTo(value, 12) as number
