import { describe, expect, it } from 'vitest'
import type { JsonObject } from '#protocol/json.js'
import type { Attempt, MemberProgress, RunView } from '#protocol/run-views.js'
import type { RunEvent } from '#protocol/ui-messages.js'
import { scoreLabel } from '../../look/metric-words.js'
import { bestOf } from './best.js'
import { clientRows } from './client-rows.js'
import { trainedIn } from './clients-tab.js'
import { configRows } from './config-rows.js'
import { firstWithoutGap, joined } from './events-store.js'
import { roundsCsv } from './export-files.js'
import { arrivals, columns, tallyOf } from './lanes.js'
import { nameIn } from './member-names.js'
import { groupsOf, isShare, linesOf, partLabel, scoresOf } from './metrics.js'

const OPENED = '2026-11-28T12:00:00.000Z'
const after = (seconds: number): string =>
  new Date(Date.parse(OPENED) + seconds * 1000).toISOString()
const member = (
  slot: number,
  state: MemberProgress['state'],
  code: string | null = null,
): MemberProgress => ({ slot, state, at: state === 'asked' ? null : after(slot + 1), code })
const attempt = (members: readonly MemberProgress[]): Attempt => ({
  ...{ round: 2, attempt: 1, purpose: 'train', part: 'method', openedAt: OPENED },
  ...{ endedAt: after(10), outcome: 'closed', deadlineSeconds: 60, members: [...members] },
  counts: { asked: 5, accepted: 2, refused: 1, failed: 1 },
})
const MIXED = attempt([
  member(0, 'accepted'),
  member(1, 'refused', 'round/closed'),
  member(2, 'failed', 'round/closed'),
  member(3, 'refused', 'update/not-finite'),
  member(4, 'asked'),
])
const ROSTER = [0, 1, 2].map((slot) => ({
  ...{ slot, nodeId: null, name: slot === 2 ? 'a' : 'b' },
  engine: { backend: 'wasm', version: 'unknown', threads: 2 },
  card:
    slot === 0
      ? null
      : { inputShape: [2], classes: ['x', 'y'], counts: { train: 7, test: 1, perClass: [] } },
})) as RunView['roster']

describe('attempts on a timeline', () => {
  it('tell late ones from refused and failed ones', () => {
    expect(tallyOf(MIXED)).toEqual({ asked: 1, accepted: 1, late: 2, refused: 1, failed: 0 })
  })
  it('are counted alone where it is hidden who took part', () => {
    expect(tallyOf(attempt([]))).toEqual({ asked: 1, accepted: 2, late: 0, refused: 1, failed: 1 })
  })
  it('have a mark where each was heard, and a column for each member', () => {
    expect(arrivals(MIXED, 10)).toMatchObject({
      accepted: 'M100.0 20v-20',
      late: 'M200.0 20v-14M300.0 20v-14',
      asked: '',
    })
    const { accepted, asked } = columns(MIXED, [0, 1, 2, 3, 4])
    expect(accepted).toBe('M12.0 20v-20h176.0v20z')
    expect(asked).toBe('M812.0 20v-3h176.0v3z')
  })
})

describe('members', () => {
  it('are told apart by number where they have one name', () => {
    const nameOf = nameIn(ROSTER)
    expect([0, 1, 2, 9].map(nameOf)).toEqual(['b (0)', 'b (1)', 'a', 'member 9'])
  })
  it('have what became of their tasks beside them', () => {
    const rows = clientRows(ROSTER, [MIXED, { ...MIXED, round: 3 }], nameIn(ROSTER))
    expect(rows[1]).toMatchObject({ asked: 2, examples: 7, engine: 'wasm, 2 threads' })
    expect(rows[1]?.fates).toMatchObject({ late: 2, refused: 0 })
    expect(rows[1]?.latest).toMatchObject({ round: 3, fate: 'late' })
    expect(rows[0]?.examples).toBeNull()
  })
})

describe('metrics', () => {
  it('are drawn in families, scores aside', () => {
    const names = [
      'accuracy',
      'loss',
      'recall/0',
      'recall/1',
      'clients/worst',
      'federated/loss',
      'cut',
    ]
    expect(scoresOf(names, 'loss')).toEqual(['loss', 'federated/loss'])
    const groups = groupsOf(names)
    expect(groups.map(({ id, names: members }) => [id, ...members])).toEqual([
      ['clients/worst', 'clients/worst'],
      ['cut', 'cut'],
      ['recall', 'recall/0', 'recall/1'],
    ])
    expect(groups.map((group) => partLabel(group.names[0] ?? '', group))).toEqual([
      'Worst client',
      'Layers below the cut',
      '0',
    ])
    expect(scoreLabel('clients/accuracy')).toBe('Mean over clients')
  })
  it('are shares or not', () => {
    expect(['accuracy', 'recall/3', 'clients/accuracy', 'routing/usage/1'].every(isShare)).toBe(
      true,
    )
    expect(['loss', 'clients/variance', 'cut', 'steps'].some(isShare)).toBe(false)
  })
  it('stand against rounds, time or bytes', () => {
    const curve = { name: 'loss', rounds: [0, 2], seconds: [1, 5], bytes: [0, 99], values: [2, 1] }
    expect(linesOf([curve], 'bytes', (name) => name)[0]).toMatchObject({ x: [0, 99], y: [2, 1] })
    expect(bestOf({ rounds: [0, 2, 4], values: [2, null, 1] }, 'smallest')).toEqual({
      round: 4,
      value: 1,
    })
    expect(bestOf({ rounds: [], values: [] }, 'largest')).toBeNull()
  })
  it('are a table to take along, with nothing that a spreadsheet runs', () => {
    const rounds = [
      { round: 0, attempt: 0, purpose: 'evaluate', part: '=1+1', cohort: [], accepted: [] },
      { round: 1, attempt: 1, purpose: 'train', part: 'm', cohort: [1, 2], accepted: [{}] },
    ].map((one, i) => ({
      ...one,
      ...{ bytesUp: 1, bytesDown: 2, durationMs: 1500, closedAt: OPENED },
      metrics: i === 0 ? { loss: 2 } : { accuracy: 0.5 },
    }))
    expect(roundsCsv({ rounds: rounds as never }).split('\r\n')).toEqual([
      'round,attempt,purpose,part,asked,reported,bytes_up,bytes_down,seconds,closed_at,accuracy,loss',
      `0,0,evaluate,'=1+1,0,0,1,2,1.5,${OPENED},,2`,
      `1,1,train,m,2,1,1,2,1.5,${OPENED},0.5,`,
      '',
    ])
  })
})

describe('a configuration', () => {
  const schema: JsonObject = {
    properties: {
      rounds: { type: 'integer', default: 10, description: 'How many' },
      method: {
        description: 'The method',
        oneOf: [
          { properties: { name: { const: 'fedavg' } } },
          { properties: { name: { const: 'fedprox' }, mu: { default: 0.1, description: 'Pull' } } },
        ],
      },
    },
  }
  it('is read with what its schema says, of the choice that was made', () => {
    const config = { rounds: 20, method: { name: 'fedprox', mu: 0.1 }, unknown: [1] }
    const rows = configRows(config, schema).map(
      ({ path, depth, value, description, isChanged }) => [
        ...[path, depth, value, description, isChanged],
      ],
    )
    expect(rows).toEqual([
      ['rounds', 0, '20', 'How many', true],
      ['method', 0, null, 'The method', null],
      ['method.name', 1, '"fedprox"', null, null],
      ['method.mu', 1, '0.1', 'Pull', false],
      ['unknown', 0, '[1]', null, null],
    ])
  })
  it('is read without a schema too', () => {
    expect(configRows({ a: { b: 1 } }, null).map(({ path }) => path)).toEqual(['a', 'a.b'])
  })
})

describe('the log of a run', () => {
  const events = (...seqs: readonly number[]): readonly RunEvent[] =>
    seqs.map((seq) => ({ seq, at: OPENED, type: 'x', data: {} }))
  it('goes on where what was asked for ends, and says from where it has no gap', () => {
    const all = joined(events(3, 4, 5), events(5, 6))
    expect(all.map(({ seq }) => seq)).toEqual([3, 4, 5, 6])
    expect(firstWithoutGap(all)).toBe(3)
    expect(firstWithoutGap(joined(events(3, 4), events(9, 10)))).toBe(9)
    expect(firstWithoutGap([])).toBeNull()
  })
})

it('the loss of members ends where the training does; what they score of the released model is all there', () => {
  const members = [{ slot: 0, rounds: [1, 2, 3], values: [0.9, 0.5, 1.4] }]
  expect(trainedIn({ name: 'loss', members }, 2).members).toEqual([
    { slot: 0, rounds: [1, 2], values: [0.9, 0.5] },
  ])
  expect(trainedIn({ name: 'accuracy', members }, 2).members).toEqual(members)
})
