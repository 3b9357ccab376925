import { beforeEach, describe, expect, it } from 'vitest'
import { sha256, type Hash, type RunId } from '#protocol/ids.js'
import { canonicalJson } from '#protocol/json.js'
import type { RoundRecord } from '#protocol/record.js'
import {
  fingerprintOf,
  History,
  judge,
  type Check,
  type Operation,
  type Outcome,
} from './history.js'

const SLOTS = [0, 1, 2]
const idOf = (round: number, slot: number, attempt = 1): Hash =>
  sha256(`update ${round} ${attempt} ${slot}`)

/** Two rounds of three members; `change` is applied before a record is chained to the one before. */
function recordsOf(change: (record: RoundRecord) => RoundRecord = (record) => record) {
  const records: RoundRecord[] = []
  for (const round of [0, 1, 2]) {
    const before = records.at(-1)
    const accepted = (round === 0 ? [] : SLOTS).map((slot) => ({
      ...{ slot, updateId: idOf(round, slot), sha256: sha256(`bytes ${round} ${slot}`) },
      ...{ weight: 1, metrics: {} },
    }))
    const record: RoundRecord = {
      ...{
        runId: 'run-0123456789ab' as RunId,
        round,
        attempt: 1,
        purpose: 'train',
        part: 'method',
      },
      ...{ cohort: SLOTS, accepted, population: 3, metrics: { loss: 1 / (round + 1) } },
      ...{ modelHash: sha256(`model ${round}`), stateHash: sha256(`state ${round}`) },
      previous: before === undefined ? null : sha256(canonicalJson(before)),
      ...{ bytesUp: 1, bytesDown: 1, durationMs: 1, closedAt: '2026-01-01T00:00:00.000Z' },
    }
    records.push(change(record))
  }
  return records
}

let history: History
let outcome: Outcome
const add = (...lines: readonly Operation[]): void => {
  for (const line of lines) history.add('harness', line)
}
const failing = (): readonly Check[] => [
  ...new Set(judge(history.lines, outcome).problems.map(({ check }) => check)),
]
/** As a round is seen from outside when nothing happens to it. */
function roundSeen(round: number, attempt = 1): void {
  for (const slot of SLOTS) {
    const member = { round, attempt, slot }
    add({ op: 'fetch', ...member, version: sha256(`shared ${round}`) })
    const updateId = idOf(round, slot, attempt)
    add({ op: 'submit', ...member, updateId })
    add({ op: 'ack', ...member, updateId, result: 'accepted' })
  }
}

beforeEach(() => {
  let now = 0
  history = new History(() => (now += 1))
  const records = recordsOf()
  outcome = {
    ...{ records, golden: fingerprintOf(recordsOf()), durability: 'durable', orphans: [] },
    exclusion: { second: { status: 1, code: 'store/locked' }, staleWrites: [] },
  }
  roundSeen(1)
  add({ op: 'observe', committed: 0 })
  roundSeen(2)
  add({ op: 'sum', round: 1, value: 111 }, { op: 'sum', round: 2, value: 111 })
  add({ op: 'fate', round: 1, attempt: 1, slot: 0, fate: 'accepted' })
  history.lines.splice(9, 1)
  history.lines.splice(9, 0, { t: 9.5, proc: 'harness', op: 'observe', committed: 1 })
})

describe('the checker of histories', () => {
  it('finds nothing wrong with a run that nothing happened to', () => {
    expect(judge(history.lines, outcome)).toEqual({
      ...{ acked: 6, lost: 0, doubled: 0, sameResult: true, problems: [] },
    })
  })

  it('takes what a kill cut off either way, and retries that get the same answer', () => {
    const member = { round: 2, attempt: 1, slot: 1 }
    const updateId = idOf(2, 1)
    add({ op: 'info', ...member, updateId }, { op: 'kill', point: 'ack.sent' }, { op: 'restart' })
    add({ op: 'submit', ...member, updateId })
    add({ op: 'ack', ...member, updateId, result: 'coordinator/unreachable' })
    add({ op: 'ack', ...member, updateId, result: 'accepted' })
    const never = sha256('cut off, never counted')
    add({ op: 'submit', round: 2, attempt: 1, slot: 1, updateId: never })
    add({ op: 'info', round: 2, attempt: 1, slot: 1, updateId: never })
    expect(failing()).toEqual([])
    expect(judge(history.lines, outcome).acked).toBe(6)
  })

  it('takes an attempt that was given up where nothing is kept, and nowhere else', () => {
    const again = (record: RoundRecord): RoundRecord =>
      record.round === 2 ? { ...record, attempt: 2 } : record
    outcome = { ...outcome, records: recordsOf(again), durability: 'ephemeral' }
    const member = { round: 2, attempt: 1, slot: 0 }
    add({ op: 'fate', ...member, fate: 'abandoned' })
    add({ op: 'ack', ...member, updateId: idOf(2, 0), result: 'round/closed' })
    expect(failing()).toEqual([])
    outcome = { ...outcome, durability: 'durable' }
    expect(failing()).toEqual(['J1', 'J9'])
    expect(judge(history.lines, outcome).lost).toBe(3)
  })

  it('J1: an acknowledged update is missing in the round that counted it', () => {
    const lossy = (record: RoundRecord): RoundRecord =>
      record.round === 1 ? { ...record, accepted: record.accepted.slice(1) } : record
    outcome = { ...outcome, records: recordsOf(lossy), golden: null }
    history.lines.splice(0, history.lines.length)
    roundSeen(1)
    expect(failing()).toEqual(['J1'])
    expect(judge(history.lines, outcome)).toMatchObject({ lost: 1, sameResult: null })
  })

  it('J1: the run ended before a round whose updates were acknowledged', () => {
    outcome = { ...outcome, records: recordsOf().slice(0, 2), golden: null }
    history.lines.splice(-3)
    expect(judge(history.lines, outcome).lost).toBe(3)
  })

  it('J2: the sum, or the record, holds a member twice; or the sum holds others than the record', () => {
    const change = (line: Operation): void => void history.lines.push({ t: 99, proc: '', ...line })
    change({ op: 'sum', round: 1, value: 121 })
    expect(failing()).toEqual(['J2'])
    expect(judge(history.lines, outcome).doubled).toBe(1)
    history.lines.pop()
    change({ op: 'sum', round: 1, value: 101 })
    expect(failing()).toEqual(['J2'])
    history.lines.pop()
    const twice = (record: RoundRecord): RoundRecord =>
      record.round === 2
        ? { ...record, accepted: [...record.accepted, record.accepted[0]!] }
        : record
    outcome = { ...outcome, records: recordsOf(twice), golden: null }
    expect(failing()).toEqual(['J2'])
  })

  it('J2: one update counts in two rounds', () => {
    const both = (record: RoundRecord): RoundRecord => ({
      ...record,
      accepted: record.accepted.map((update) => ({ ...update, updateId: idOf(1, update.slot) })),
    })
    outcome = { ...outcome, records: recordsOf(both), golden: null }
    history.lines.splice(0, history.lines.length)
    expect(failing()).toEqual(['J2'])
    expect(judge(history.lines, outcome).doubled).toBe(3)
  })

  it('J3: a record is missing, or was exchanged', () => {
    const [zero, one, two] = recordsOf()
    outcome = { ...outcome, golden: null }
    history.lines.splice(0, history.lines.length)
    outcome = { ...outcome, records: [zero!, two!] }
    expect(failing()).toEqual(['J3'])
    outcome = { ...outcome, records: [zero!, { ...one!, bytesUp: 2 }, two!] }
    expect(failing()).toEqual(['J3'])
  })

  it('J4: a member reads an older round after a newer one, or two versions of one round', () => {
    const version = sha256('shared 1')
    add({ op: 'fetch', round: 1, attempt: 1, slot: 0, version })
    expect(failing()).toEqual(['J4'])
    history.lines.pop()
    add({ op: 'fetch', round: 2, attempt: 1, slot: 0, version })
    expect(failing()).toEqual(['J4'])
  })

  it('J5: a round, or the end, came out otherwise', () => {
    const differing: readonly ((record: RoundRecord) => RoundRecord)[] = [
      (record) => ({ ...record, metrics: { loss: 2 } }),
      (record) => ({ ...record, modelHash: sha256('another') }),
      (record) => ({ ...record, stateHash: sha256('another') }),
    ]
    for (const change of differing) {
      const records = recordsOf((record) => (record.round === 2 ? change(record) : record))
      outcome = { ...outcome, records }
      expect(failing()).toEqual(['J5'])
      expect(judge(history.lines, outcome).sameResult).toBe(false)
    }
    outcome = { ...outcome, golden: fingerprintOf(recordsOf().slice(0, 2)), records: recordsOf() }
    expect(failing()).toEqual(['J5'])
  })

  it('J6: a version was released before its round was committed, or not charged', () => {
    add({ op: 'observe', committed: 0 })
    expect(failing()).toEqual(['J6'])
    history.lines.pop()
    add({ op: 'observe', committed: 2, charges: 1 })
    expect(failing()).toEqual(['J6'])
  })

  it('J7: a file stays that nothing explains', () => {
    outcome = { ...outcome, orphans: ['staging/put-1'] }
    expect(failing()).toEqual(['J7'])
  })

  it('J8: a second coordinator gets in, or an older epoch still writes', () => {
    const locked = { status: 1, code: 'store/locked' }
    for (const exclusion of [
      { second: { status: 0, code: '' }, staleWrites: [] },
      { second: { status: 1, code: 'internal/bug' }, staleWrites: [] },
      { second: locked, staleWrites: ['accept'] },
    ]) {
      outcome = { ...outcome, exclusion }
      expect(failing()).toEqual(['J8'])
    }
  })

  it('J9: an answer changes, comes unasked, or the fate is not what the record says', () => {
    const member = { round: 1, attempt: 1, slot: 2 }
    const wrong: readonly Operation[] = [
      { op: 'ack', ...member, updateId: idOf(1, 2), result: 'round/closed' },
      { op: 'ack', ...member, updateId: sha256('unasked'), result: 'round/closed' },
      { op: 'fate', ...member, fate: 'refused' },
      { op: 'fate', ...member, round: 9, fate: 'accepted' },
    ]
    for (const line of wrong) {
      add(line)
      expect(failing()).toEqual(['J9'])
      history.lines.pop()
    }
  })
})
