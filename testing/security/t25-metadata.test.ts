import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunId } from '#protocol/ids.js'
import { nameOf, ROUTES } from '#coordinator/http/routes.js'
import type { SocketNode } from '#testing/socket-node.js'
import { codeOf, World } from './world.js'

/** Says something of one member alone: nobody may read it. */
const LOSS = 424_242.5
const WEIGHT = 31_337
const WORD = 'only-of-one-member'
const NOISE = [
  { name: 'clip', norm: 1 },
  { name: 'gaussian-noise', stddev: 0.1 },
]

/** Calls that tell nothing of a run, or bytes of a model that everyone who takes part has. */
const NOT_OF_MEMBERS: ReadonlySet<string> = new Set([
  ...['GET /healthz', 'GET /readyz', 'GET /metrics', 'GET /api/status', 'GET /api/session'],
  ...['GET /api/users', 'GET /api/schema/run-config', 'GET /api/schema/audit-report'],
  ...['GET /api/runs/:id/model', 'GET /api/runs/:id/start', 'GET /api/blobs/:hash'],
  ...['GET /api/operations', 'GET /api/log/known'],
])
/** What a call is asked with. */
const QUERIES: Readonly<Record<string, string>> = {
  'GET /api/runs/:id/curves': '?name=loss&name=accuracy&name=clients/worst',
  'GET /api/runs/:id/member-curves': '?name=loss',
}

describe('SEC-T25: privacy lost by metadata', () => {
  let world: World
  let runId: RunId
  beforeAll(async () => {
    world = await World.open()
    const nodes = [await world.join('a'), await world.join('b'), await world.join('c')]
    runId = await world.run({ updates: NOISE, rounds: 1 })
    await Promise.all(nodes.map((node, i) => answer(node, i)))
    await world.coordinator.runs.ended(runId)
  }, 60_000)
  afterAll(() => world.close())

  /** Two send an update, the third says that it cannot. */
  async function answer(node: SocketNode, place: number): Promise<void> {
    const task = await node.task(1)
    const { round, attempt, slot, lease } = task
    if (place < 2) {
      const update = {
        ...{ task, weight: WEIGHT },
        bytes: Buffer.from(`an update of member ${place}`),
      }
      expect(codeOf(await node.begin(update, { metrics: { loss: LOSS } }))).toBe('ok')
      expect(codeOf(await node.chunk(update, 0))).toBe('ok')
      expect(codeOf(await node.finish(update))).toBe('ok')
      return
    }
    const problem = { code: 'task/failed', message: WORD }
    await node.ask('task:failed', { runId, round, attempt, slot, lease, problem })
  }

  it('SEC-T25: was there to be lost', async () => {
    const accepted = await world.store.accepted(runId, 1, 1)
    expect(accepted.map(({ weight, metrics }) => [weight, metrics['loss']])).toEqual([
      [WEIGHT, LOSS],
      [WEIGHT, LOSS],
    ])
    const events = JSON.stringify(await world.store.events(runId, 0, 1000))
    expect([events.includes(WORD), events.includes(String(WEIGHT))]).toEqual([true, true])
  })
  it.each(
    ROUTES.filter((route) => route.method === 'get' && !NOT_OF_MEMBERS.has(nameOf(route))).map(
      (route) => [nameOf(route), route.path] as const,
    ),
  )('SEC-T25: %s tells nothing of single members', async (name, path) => {
    const target = path.replace(':id', runId).replace(':round', '1')
    const { status, code, text } = await world.call(['GET', `${target}${QUERIES[name] ?? ''}`])
    if (name === 'GET /api/runs/:id/member-curves') expect(code).toBe('run/hidden')
    else if (name === 'GET /api/runs/:id/keys') expect(code).toBe('run/no-keys')
    else expect([status, code]).toEqual([200, ''])
    for (const secret of [String(LOSS), String(WEIGHT), WORD, '"slot":1,"updateId"'])
      expect([secret, text.includes(secret)]).toEqual([secret, false])
  })
  it('SEC-T25: how many took part is told, and that more is hidden', async () => {
    const round = await world.call(['GET', `/api/runs/${runId}/rounds/1`])
    expect(JSON.parse(round.text)).toMatchObject({ counts: { asked: 3, accepted: 2 } })
    const view = await world.call(['GET', `/api/runs/${runId}/view`])
    expect((JSON.parse(view.text) as { hidden: readonly string[] }).hidden).not.toEqual([])
  })
})
