import { describe, expect, it } from 'vitest'
import { clientMeans, type ClientSummary } from '#simulations/report/clients.js'
import { clientLines, clientMeansLine } from './clients-text.js'

const SUMMARY: ClientSummary = {
  ...{ count: 10, accuracy: 0.855, variance: 0.0081, deviation: 0.09, worst: 0.5, worst10: 0.5 },
  ...{ jain: 0.98, isUnderWay: false, singleClass: 0, severalClasses: 0.855, own: null },
}
const lines = (change: Partial<ClientSummary> = {}) => clientLines({ ...SUMMARY, ...change })

describe('clients in words', () => {
  it('are mean, deviation and the worst of them, with whose model it is', () => {
    expect(lines()).toEqual([
      'clients: mean accuracy 85.50 % over 10 clients with the shared model, deviation between them 9.00 %, worst 50.00 %',
    ])
    expect(lines({ own: { trained: 10, accuracy: 0.855 }, worst10: 0.55, count: 10 })).toEqual([
      'clients: mean accuracy 85.50 % of the own models of 10 clients, deviation between them 9.00 %, worst 50.00 %, worst 10 % 55.00 %',
    ])
    expect(lines({ isUnderWay: true, count: 1 })[0]).toMatch(
      /over 1 client with .*, in the last round that asked them$/,
    )
    expect(clientLines(null)).toEqual([])
  })

  it('that train on one class are flagged, with the mean without them', () => {
    expect(lines({ singleClass: 2, severalClasses: 0.8125 })[1]).toBe(
      '  2 clients train on one class; without them the mean is 81.25 %',
    )
    expect(lines({ singleClass: 1, severalClasses: 0.8125 })[1]).toBe(
      '  1 client trains on one class; without it the mean is 81.25 %',
    )
    expect(lines({ singleClass: 10, severalClasses: null })[1]).toBe(
      '  all of them train on one class each',
    )
    expect(lines({ singleClass: null })).toHaveLength(1)
  })

  it('that have no model of their own are told, with the mean over the others', () => {
    expect(lines({ own: { trained: 8, accuracy: 0.875 } })[1]).toBe(
      '  2 clients have no model of their own yet and predict with what all begin with; the mean over the others is 87.50 %',
    )
    expect(lines({ own: { trained: 0, accuracy: null }, count: 1 })[1]).toBe(
      '  1 client has no model of its own yet and predicts with what all begin with',
    )
  })

  it('of several runs are means, with the spread between runs', () => {
    const means = clientMeans([
      SUMMARY,
      null,
      {
        ...SUMMARY,
        accuracy: 0.755,
        deviation: 0.11,
        worst: 0.25,
        own: { trained: 1, accuracy: 1 },
      },
    ])
    expect(means).toMatchObject({ runs: 2, isOwn: true })
    expect(clientMeansLine(means!)).toBe(
      'clients: mean accuracy 80.50 % ± 7.07 %, deviation between them 10.00 %, worst 37.50 %, over 2 seeds',
    )
    expect(clientMeans([SUMMARY])).toMatchObject({ spread: null, isOwn: false })
    expect(clientMeans([null])).toBeNull()
  })
})
