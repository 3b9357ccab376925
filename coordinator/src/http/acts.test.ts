import { beforeEach, describe, expect, it } from 'vitest'
import { FederationError } from '#protocol/errors.js'
import type { Claims } from '#coordinator/auth/tokens.js'
import { AuditLog } from '#coordinator/audit/audit-log.js'
import { verifyStoreLog } from '#coordinator/audit/verify-log.js'
import { MemoryStore } from '#coordinator/store/memory-store.js'
import { FakeClock } from '#testing/fake-clock.js'
import { ActLog, ACTS, actorOf } from './acts.js'
import type { Call } from './call.js'
import { ROUTES } from './routes.js'

const claims = (subject: string, audience: Claims['audience']): Claims =>
  ({ subject, audience, expiresAt: 0 }) as Claims
const ANA = claims('ana', 'people')
const call = (who: Claims | null, body: unknown = {}, params: Call['params'] = {}): Call =>
  ({ who, body, params, request: { ip: '10.0.0.9' } }) as unknown as Call
const denied = () => Promise.reject(new FederationError('auth/bad-code', 'wrong'))

describe('acts of callers', () => {
  let store: MemoryStore
  let clock: FakeClock
  let acts: ActLog
  beforeEach(async () => {
    store = new MemoryStore()
    clock = new FakeClock()
    acts = new ActLog(await AuditLog.open(store, () => clock.timestamp()), clock)
  })
  const written = async () =>
    (await store.audits(0, 1000)).map(({ phase, actor, action, subject }) =>
      [phase, actor, action, subject].join(' '),
    )

  it('are listed for every call that can change something: none is left out by being new', () => {
    const changing = ROUTES.filter(({ method }) => method !== 'get').map(
      ({ method, path }) => `${method.toUpperCase()} ${path}`,
    )
    expect(changing.filter((name) => !ACTS.has(name))).toEqual([])
    const all = new Set(ROUTES.map(({ method, path }) => `${method.toUpperCase()} ${path}`))
    expect([...ACTS.keys()].filter((name) => !all.has(name))).toEqual([])
  })
  it('keep no secret of a body', () => {
    for (const kind of ACTS.values())
      if (typeof kind !== 'string')
        for (const secret of ['code', 'secret', 'password', 'token', 'signature', 'publicKey'])
          expect(kind.keys).not.toContain(secret)
  })
  it('name who acts', () => {
    expect([null, ANA, claims('node-1', 'fl-client')].map(actorOf)).toEqual([
      ...['anyone', 'user:ana', 'node:node-1'],
    ])
  })
  it('of someone who is known are written before and after', async () => {
    const revoke = call(ANA, {}, { id: 'node-1' })
    await acts.around('POST /api/nodes/:id/revoke', revoke, async () => ({}))
    await acts.around('POST /api/runs', call(ANA), async () => ({ runId: 'run-1' }))
    expect(await written()).toEqual([
      'intent user:ana node.revoke node-1',
      'done user:ana node.revoke node-1',
      'intent user:ana run.start ',
      'done user:ana run.start run-1',
    ])
  })
  it('hold the named keys of a body, and from where a stranger came', async () => {
    const enrol = call(null, { name: 'a', code: 'SECRET', odd: 1 })
    await acts.around('POST /api/enrol', enrol, async () => ({ nodeId: 'node-1' }))
    const [intent, done] = await store.audits(0, 9)
    expect(intent?.data).toEqual({ name: 'a', address: '10.0.0.9' })
    expect(done).toMatchObject({ actor: 'anyone', subject: 'node-1' })
  })
  it('that change nothing are written when they fail only', async () => {
    const token = call(null, { nodeId: 'node-1' })
    await acts.around('POST /api/token', token, async () => ({}))
    await expect(acts.around('POST /api/token', token, denied)).rejects.toThrow('wrong')
    await acts.around('GET /api/runs', call(ANA), async () => ({}))
    expect(await written()).toEqual(['failed anyone node.sign-in '])
  })
  it('of strangers that fail fill no disk: the rest of a minute is counted', async () => {
    const tries = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i += 1)
        await acts.around('POST /api/sign-in', call(null), denied).catch(() => undefined)
    }
    await tries(500)
    // Who gets in is written down all the same.
    await acts.around('POST /api/sign-in', call(null), async () => ({ name: 'ana' }))
    expect(await written()).toHaveLength(2 * 120 + 1)
    clock.advance(60_000)
    await tries(1)
    const rows = await store.audits(0, 1000)
    expect(rows.find(({ action }) => action === 'tries.left-out')?.data).toEqual({ count: 380 })
    expect(rows).toHaveLength(2 * 120 + 1 + 1 + 2)
    expect(await verifyStoreLog(store)).toMatchObject({ fault: null, unfinished: [] })
  })
  it('of strangers that succeed take no room from others', async () => {
    for (let i = 0; i < 300; i += 1)
      await acts.around('POST /api/enrol', call(null), async () => ({ nodeId: `node-${i}` }))
    expect(await written()).toHaveLength(600)
  })
})
