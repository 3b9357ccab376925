import { describe, expect, it } from 'vitest'
import type { RunRecord } from '#protocol/record.js'
import { madeUpRun } from '#testing/made-up-runs.js'
import { beaten, beatenText, clientSummary, finalBeaten, finalClients } from './clients.js'

const told = (accuracy: number, more: Record<string, number> = {}) => ({
  ...{ 'clients/count': 2, 'clients/accuracy': accuracy, 'clients/variance': 0.01 },
  ...{ 'clients/deviation': 0.1, 'clients/worst': 0.4, 'clients/worst10': 0.45 },
  ...{ 'clients/jain': 0.96, 'clients/singleClass': 1, 'clients/severalClasses/accuracy': 0.4 },
  ...more,
})
/** Every client tells its accuracy at the end; null: it has nothing to score on. */
const ended = (
  accuracies: readonly (number | null)[],
  metrics: Record<string, number> = {},
): NonNullable<NonNullable<Parameters<typeof madeUpRun>[0]>['rounds']>[number] => ({
  part: 'evaluation',
  metrics,
  clients: accuracies.map((accuracy) => (accuracy === null ? {} : { accuracy, examples: 20 })),
})

describe('the clients of a run', () => {
  it('are those that scored the final model', () => {
    const run = madeUpRun({
      rounds: [{}, { clients: [{ loss: 1 }, { loss: 2 }, {}] }, ended([0.5, null, 0.75])],
    })
    expect(finalClients(run)).toEqual([
      { slot: 0, accuracy: 0.5, examples: 20 },
      { slot: 2, accuracy: 0.75, examples: 20 },
    ])
    expect(finalClients(madeUpRun({ rounds: [{}, {}] }))).toEqual([])
  })

  it('are summed up as the latest round told it', () => {
    const rounds = [{}, { metrics: told(0.25) }, ended([0.5, 0.75], told(0.625))]
    expect(clientSummary(madeUpRun({ rounds }))).toEqual({
      ...{ count: 2, accuracy: 0.625, variance: 0.01, deviation: 0.1, worst: 0.4, worst10: 0.45 },
      ...{ jain: 0.96, isUnderWay: false, singleClass: 1, severalClasses: 0.4, own: null },
    })
    expect(clientSummary(madeUpRun({ rounds: rounds.slice(0, 2) }))).toMatchObject({
      ...{ accuracy: 0.25, isUnderWay: true },
    })
    expect(clientSummary(madeUpRun({ rounds: [{}] }))).toBeNull()
  })

  it('are not summed up where the worst of them is hidden: it is not 0', () => {
    const run = madeUpRun({ rounds: [{}, { metrics: { 'clients/count': 2, accuracy: 0.5 } }] })
    const rounds = run.rounds.map((round) => ({ ...round, counts: { asked: 2, accepted: 2 } }))
    expect(clientSummary({ ...run, rounds })).toBeNull()
  })
  it('have models of their own where the round says so', () => {
    const summary = (more: Record<string, number>) =>
      clientSummary(madeUpRun({ rounds: [{}, { metrics: told(0.5, more) }] }))?.own
    expect(summary({ 'clients/trained': 1, 'clients/trained/accuracy': 0.75 })).toEqual({
      ...{ trained: 1, accuracy: 0.75 },
    })
    expect(summary({ 'clients/trained': 0 })).toEqual({ trained: 0, accuracy: null })
  })

  it('of a record from before this was told are counted from what each of them told', () => {
    expect(clientSummary(madeUpRun({ rounds: [{}, ended([1, 1, 0, 0])] }))).toEqual({
      ...{ count: 4, accuracy: 0.5, variance: 0.25, deviation: 0.5, worst: 0, worst10: 0 },
      ...{ jain: 0.5, isUnderWay: false, singleClass: null, severalClasses: null, own: null },
    })
  })
})

describe('against training alone', () => {
  it('a client wins where it scores higher; the same is no win, and without a partner it is out', () => {
    const own = new Map([...[0.5, 0.75, 0.25, 1].entries()])
    const local = new Map([...[0.25, 0.75, 0.5].entries()])
    expect(beaten(own, local)).toEqual({ wins: 1, of: 3 })
    expect(beatenText({ wins: 1, of: 3 })).toBe('33 % (1 of 3)')
  })

  const MEMBERS = [
    [5, 5],
    [9, 1],
  ]
  const run = (method: string, seed: number, accuracies: readonly number[], partition = 'iid') =>
    madeUpRun({
      ...{ name: method, seed, members: MEMBERS },
      config: { method: { name: method }, data: { name: 'mnist', partition } },
      rounds: [{}, ended(accuracies)],
    })
  it('a run is held against that of its seed with the same clients', () => {
    const own = run('fedavg', 1, [0.5, 0.5])
    const [zero, one] = [run('local-only', 0, [1, 1]), run('local-only', 1, [0.25, 0.75])]
    expect(finalBeaten(own, [own, zero, one])).toEqual({ wins: 1, of: 2 })
    expect(finalBeaten(own, [own, zero])).toEqual({ wins: 0, of: 2 })
    expect(finalBeaten(one, [zero, one])).toBeNull()
    expect(finalBeaten(own, [own])).toBeNull()
  })

  it('other data are no comparison, as counts and as they are dealt', () => {
    const own = run('fedavg', 0, [0.5, 0.5])
    const dealt = run('local-only', 0, [0.25, 0.25], 'dirichlet:1')
    const alone = run('local-only', 0, [0.25, 0.25])
    const [first, second] = alone.roster
    const counts = { train: 10, test: 0, perClass: [1, 9] }
    const others = { ...alone, roster: [first!, { ...second!, card: { ...second!.card, counts } }] }
    for (const local of [dealt, others, { ...alone, roster: [] }])
      expect(finalBeaten(own, [local])).toBeNull()
    expect(finalBeaten(own, [alone])).toEqual({ wins: 2, of: 2 })
  })

  it('nodes are told apart by who they are, whatever slot they got', () => {
    const deployed = (record: RunRecord, nodes: readonly string[]): RunRecord => ({
      ...record,
      roster: nodes.map((nodeId, slot) => ({
        ...record.roster[nodeId === 'a' ? 0 : 1]!,
        ...{ slot, nodeId: nodeId as never },
      })),
    })
    const own = deployed(run('fedavg', 0, [0.5, 0.75]), ['a', 'b'])
    // Here b is slot 0: 0.75 against 0.25 and 0.5 against 0.5.
    const local = deployed(run('local-only', 0, [0.25, 0.5]), ['b', 'a'])
    expect(finalBeaten(own, [local])).toEqual({ wins: 1, of: 2 })
  })
})
