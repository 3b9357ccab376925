import { beforeAll, describe, expect, it } from 'vitest'
import type { Diagnostics } from '#protocol/diagnostics.js'
import { parseAnswer } from '#protocol/http-api.js'
import type { JsonObject } from '#protocol/json.js'
import type { RunRecord } from '#protocol/record.js'
import { unwrap } from '#protocol/result.js'
import { fieldsOf } from '#testing/fields.js'
import { madeUpRun } from '#testing/made-up-runs.js'
import { viewsPartsOf, storeRun } from '#testing/stored-run.js'
import { MemoryStore } from '#coordinator/store/memory-store.js'
import { eyesOn, hidesMembers } from './privacy.js'
import { Views } from './views.js'

/** Says something of a single member: no answer may hold it. */
const SECRET = 424_242
const WORD = 'only-of-client-1'

const measured = { cka: SECRET, ckaDebiased: SECRET, pairs: [[SECRET]] }
const DIAGNOSTICS: Diagnostics = {
  local: {
    ...{ slots: [SECRET], probe: 8, headNorms: [[SECRET]] },
    layers: [{ name: 'dense', width: 2, ...measured }],
  },
  headNorms: [1, 2],
  geometry: {
    ...{ of: 'moments', examples: 10, withinClassVariability: 1, equinorm: 1, equiangularity: 1 },
    ...{ maximalAngle: 1, selfDuality: 1, featureNorm: null, deadFeatures: 0, effectiveRank: 2 },
    betweenClassShare: 0.5,
  },
  calibration: {
    ...{ answered: [SECRET], missing: [SECRET + 1] },
    classes: [
      {
        ...{ name: 'cat', examples: 10, clients: SECRET, status: 'ok', rank: 2, condition: 1 },
        ...{ jitter: 0, betweenClients: SECRET, virtualExamples: 5 },
      },
    ],
    virtual: { lossBefore: 2, lossAfter: 1, accuracyBefore: 0.5, accuracyAfter: 0.7 },
  },
}
const METRICS = {
  ...{ accuracy: 0.9, loss: 0.3, 'recall/cat': 0.8, 'federated/accuracy': 0.8 },
  ...{ 'clients/count': 2, 'clients/accuracy': 0.7, 'routing/usage/0': 1 },
  ...{ 'clients/worst': SECRET, 'clients/variance': SECRET, 'federated/lowestAccuracy': SECRET },
  [`made-up/${WORD}`]: SECRET,
}
const NOISE = { updates: [{ name: 'gaussian-noise', stddev: 0.1 }] }

const privateRun = (config: Readonly<Record<string, unknown>>): RunRecord => {
  const run = madeUpRun({
    config,
    rounds: [
      { metrics: { accuracy: 0.1 } },
      {
        ...{ metrics: METRICS, diagnostics: DIAGNOSTICS, bytesUp: 10, bytesDown: 1 },
        clients: [{ loss: SECRET, [WORD]: SECRET }, null, { loss: SECRET }],
      },
    ],
    members: [[SECRET, 1], [SECRET, 2], null],
    changes: {
      state: 'stopped',
      reason: `Round 1 got 1 of at least 2 reporters in attempt 3 of 3; ${WORD}: fell`,
    },
  })
  return {
    ...run,
    // What a later version may add to a round.
    rounds: run.rounds.map((round) => ({ ...round, perMember: [{ slot: SECRET, name: WORD }] })),
    roster: run.roster.map((member) => ({
      ...member,
      engine: { ...member.engine, version: WORD },
    })),
  }
}

/** What happens beside rounds, and what another version may tell. */
const ALSO: readonly (readonly [string, JsonObject])[] = [
  [
    'run:waiting',
    { reason: `0 of at least 2 members are available. ${WORD}`, available: 0, needed: 2 },
  ],
  ['run:stopped', { reason: `task/failed: ${WORD} has failed` }],
  ['run:failed', { reason: `${WORD} did it` }],
  ['round:waiting-for', { round: 1, attempt: 1, slots: [SECRET] }],
  ['round:abandoned', { round: 1, attempt: 1, reason: `Nobody but ${WORD}` }],
  [
    'update:refused',
    {
      round: 1,
      attempt: 1,
      slot: SECRET,
      weight: SECRET,
      code: 'update/not-finite',
      message: WORD,
    },
  ],
  ['task:failed', { round: 1, attempt: 1, slot: SECRET, code: 'task/failed', message: WORD }],
  ['member:cooling-down', { nodeId: WORD, name: WORD, failures: SECRET, seconds: 1, reason: WORD }],
  ['member:refused', { nodeId: WORD, name: WORD, code: 'policy/refused', message: WORD }],
  ['member:new-thing', { nodeId: WORD, [WORD]: SECRET }],
]

describe('SEC-T25: what a run with noise shows', () => {
  let answers: Readonly<Record<string, unknown>>
  beforeAll(async () => {
    const store = new MemoryStore()
    const views = new Views(viewsPartsOf(store))
    const run = privateRun(NOISE)
    const { runId } = run
    await storeRun(store, run)
    for (const [type, data] of ALSO) await store.appendEvent(runId, type, data)
    const eyes = await views.eyesOn(runId)
    const events = await store.events(runId, 0, 1000)
    answers = {
      'GET /api/runs': { runs: await views.lines() },
      'GET /api/runs/:id': await views.record(runId),
      'GET /api/runs/:id/view': await views.view(runId),
      'GET /api/runs/:id/curves': {
        curves: await views.curves(runId, { names: Object.keys(METRICS), points: 9 }),
      },
      'GET /api/runs/:id/rounds/:round': await views.round(runId, 1),
      'GET /api/runs/:id/timeline': await views.timeline(runId, { before: null, rounds: 9 }),
      'GET /api/runs/:id/events': { events: events.map((event) => eyes.event(event)) },
    }
    await expect(views.memberCurves(runId, { name: 'loss', points: 9 })).rejects.toMatchObject({
      code: 'run/hidden',
    })
  })

  it('SEC-T25: nothing that says something of a single member', () => {
    for (const [call, answer] of Object.entries(answers)) {
      const text = JSON.stringify(answer)
      expect([call, text.includes(String(SECRET)), text.includes(WORD)]).toEqual([
        call,
        false,
        false,
      ])
    }
  })
  it('SEC-T25: exactly the fields that were thought about', () => {
    const fields = Object.fromEntries(
      Object.entries(answers).map(([call, answer]) => [call, fieldsOf(answer, ['config'])]),
    )
    expect(fields).toMatchSnapshot()
  })
  it('SEC-T25: answers that are as the protocol says', () => {
    for (const [call, answer] of Object.entries(answers))
      unwrap(parseAnswer(call as 'GET /api/runs/:id', JSON.parse(JSON.stringify(answer))))
  })
  it('SEC-T25: how many took part, in place of who', () => {
    expect(answers['GET /api/runs/:id/rounds/:round']).toMatchObject({
      ...{ cohort: [], accepted: [], counts: { asked: 3, accepted: 2 } },
      diagnostics: { headNorms: [1, 2], calibration: { answered: [], virtual: { lossAfter: 1 } } },
    })
    const { attempts } = answers['GET /api/runs/:id/timeline'] as { attempts: readonly unknown[] }
    expect(attempts).toMatchObject([
      {
        outcome: 'abandoned',
        members: [],
        counts: { asked: 3, accepted: 2, failed: 2, refused: 1 },
      },
    ])
  })
  it('SEC-T25: reasons up to where they name members', () => {
    const eyes = eyesOn(privateRun(NOISE).config)
    expect(eyes.reason('Stopped by a person')).toBe('Stopped by a person')
    expect(
      eyes.reason('Round 3 got 1 of at least 2 reporters in attempt 3 of 3; ward-7: fell'),
    ).toBe('Round 3 got 1 of at least 2 reporters in attempt 3 of 3')
    expect(
      eyes.reason(
        '1 of at least 2 members are available; 1 more have nothing to train on. ward-7 …',
      ),
    ).toBe('1 of at least 2 members are available; 1 more have nothing to train on')
    const policy =
      '1 of at least 2 members are available. 1 of 2 connected nodes does not allow runs whose updates are not clipped to a norm of 0.5 (this one clips to 1). Their owners can: join again with --require-clip 0.5'
    expect(eyes.reason(policy)).toBe(policy)
    expect(eyes.reason(`${policy}. ward-7 is not asked for 30 s`)).toBe(policy)
    expect(eyes.reason('store/io: the disk of ward-7 is full')).toBe('store/io')
    expect(eyes.reason('ward-7 fell')).toMatch(/hidden/)
    expect(eyes.reason(null)).toBeNull()
  })
})

describe('SEC-T25: which runs hide their members', () => {
  const ccvr = (epsilon: number | null): object => ({ calibration: { name: 'ccvr', epsilon } })
  it.each([
    [true, NOISE],
    [true, { updates: [{ name: 'clip', norm: 1 }, ...NOISE.updates] }],
    [true, ccvr(2)],
    [false, {}],
    [false, { updates: [{ name: 'clip', norm: 1 }] }],
    [false, ccvr(null)],
  ])('SEC-T25: %s for %j', (hides, config) => {
    expect(hidesMembers(config as Parameters<typeof hidesMembers>[0])).toBe(hides)
  })
  it('SEC-T25: of others everything is seen as it is', () => {
    const { config, rounds, ...rest } = privateRun({})
    const eyes = eyesOn(config)
    const record = { config, rounds, ...rest }
    expect(eyes.record(record)).toBe(record)
    expect([eyes.areClosed, eyes.hidden, eyes.shows('clients/worst')]).toEqual([false, [], true])
  })
})
