import { describe, expect, it } from 'vitest'
import { DEFAULT_POLICY } from '#protocol/policy.js'
import type { NodeLine } from '#protocol/server-views.js'
import { binned } from './class-bars.js'
import { joinCommand } from './join-command.js'
import { chooseNodes, stateOf } from './node-state.js'
import { policyWords } from './policy-words.js'
import { parseNodesSearch } from './search.js'

const TIME = '2026-11-28T12:00:00.000Z'
const node = (name: string, more: Partial<NodeLine> = {}): NodeLine => ({
  ...{ nodeId: `node-${name}` as NodeLine['nodeId'], name, enrolledAt: TIME, revokedAt: null },
  ...{ online: true, engine: null, card: null, policy: null, lastSeenAt: null },
  ...{ examplesPerSecond: null, failures: { count: 0, latest: [] }, task: null, coolDowns: [] },
  ...more,
})
const TASK = { runId: 'run-1', round: 3, slot: 0, progress: null } as unknown as NodeLine['task']
const REST = [
  { runId: 'run-1', failures: 3, seconds: 9, reason: 'NaN' },
] as unknown as NodeLine['coolDowns']
const NODES = [
  node('Lyon', { task: TASK, coolDowns: REST }),
  node('Turku', { engine: { backend: 'webgpu', version: '4', threads: 1 } }),
  node('Gent', { coolDowns: REST }),
  node('Porto', { online: false, task: TASK }),
  node('Zadar', { online: true, revokedAt: TIME }),
]

describe('nodes', () => {
  it('work, are ready, cool down, are away or revoked', () => {
    expect(NODES.map(stateOf)).toEqual(['working', 'ready', 'resting', 'offline', 'revoked'])
  })
  it('are chosen by state and by every word in name, id and backend', () => {
    const names = (filter: 'all' | 'online' | 'revoked', text: string): readonly string[] =>
      chooseNodes(NODES, { filter, text }).shown.map(({ name }) => name)
    expect(names('all', '')).toHaveLength(5)
    expect(names('online', '')).toEqual(['Lyon', 'Turku', 'Gent'])
    expect(names('revoked', '')).toEqual(['Zadar'])
    expect(names('all', ' WEBGPU tur ')).toEqual(['Turku'])
    expect(chooseNodes(NODES, { filter: 'online', text: 'r' }).counts).toEqual({
      ...{ all: 3, online: 1, offline: 1, revoked: 1 },
    })
  })
  it('takes from an address what makes sense', () => {
    const search = { show: 'nonsense', q: 'a', node: 'node-1', sort: 5, other: 1 }
    expect(parseNodesSearch(search)).toEqual({
      ...{ show: undefined, q: 'a', node: 'node-1', sort: undefined },
    })
  })
  it('says what an owner allows, and nothing of what they leave open', () => {
    expect(policyWords(DEFAULT_POLICY)).toEqual(['Nothing about single examples leaves'])
    const audit = { most: 'not-demonstrated', key: null, budget: 'standard', records: 4 } as const
    const policy = {
      perExample: true,
      methods: ['fedavg'],
      minCohort: 3,
      maxClip: 1,
      minNoise: 0.1,
    }
    expect(policyWords({ ...policy, audit }).slice(1)).toEqual([
      'Only fedavg',
      'Only rounds of at least 3 members',
      'Only updates clipped to a norm of 1 or less',
      'Only with noise of standard deviation 0.1 or more',
      'Only runs whose privacy audit says not demonstrated at most (budget standard, 4 records or more)',
    ])
  })
  it('draws many classes as fewer bars of the same sum', () => {
    expect(binned([1, 2, 3], 24)).toEqual([1, 2, 3])
    expect(binned([1, 2, 3, 4, 5], 2)).toEqual([6, 9])
    expect(binned([], 24)).toEqual([])
  })
  it('joins with the fingerprint where there is one', () => {
    const told = { origin: 'https://c.example', code: 'ABCD', fingerprint: 'AA:BB' }
    expect(joinCommand(told)).toBe(
      'tributary client join https://c.example --code ABCD --fingerprint AA:BB --data mnist',
    )
    expect(joinCommand({ ...told, fingerprint: null })).not.toContain('fingerprint')
  })
})
