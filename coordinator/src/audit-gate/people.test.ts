import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { HTTP_API } from '#protocol/http-api.js'
import type { RunId } from '#protocol/ids.js'
import { FakeAudits, reportFor } from '#testing/fake-audit.js'
import { addPerson } from '#testing/security/people.js'
import { World } from '#testing/security/world.js'

describe('the gate, for people', () => {
  let audits: FakeAudits
  let world: World
  beforeEach(async () => {
    audits = new FakeAudits()
    audits.report = (config) => reportFor(config, 'high')
    world = await World.open({ startAudit: audits.start })
  })
  afterEach(() => world.close())

  const view = async (runId: RunId) => {
    const { text } = await world.call(['GET', `/api/runs/${runId}/audit`])
    return HTTP_API['GET /api/runs/:id/audit'].answer.parse(JSON.parse(text))
  }
  const model = (runId: RunId) => world.call(['GET', `/api/runs/${runId}/model`])
  const override = (runId: RunId, reason: string, token = world.people) =>
    world.call(['POST', `/api/runs/${runId}/audit-override`], {
      ...{ token, body: JSON.stringify({ reason }) },
    })

  it('gives out no model, and takes no override, while the audit is not over', async () => {
    audits.before = () => new Promise(() => undefined)
    const runId = await world.run({ audit: {} })
    expect(await model(runId)).toMatchObject({ status: 409, code: 'audit/under-way' })
    expect(await override(runId, 'x')).toMatchObject({ status: 409, code: 'audit/under-way' })
    expect(await view(runId)).toMatchObject({ state: 'under-way', threshold: 'elevated' })
  })

  it('takes an override of administrators with a reason, which the log keeps, and then gives out the model', async () => {
    const runId = await world.run({ audit: {} })
    await world.coordinator.runs.ended(runId)
    expect(await model(runId)).toMatchObject({ status: 409, code: 'audit/above-threshold' })
    const { token } = await addPerson(world, 'rita', 'researcher')
    expect(await override(runId, 'I want to', token)).toMatchObject({ code: 'auth/forbidden' })
    for (const none of ['', '  ', 'x'.repeat(201)])
      expect(await override(runId, none)).toMatchObject({ code: 'message/malformed' })
    expect(await override(runId, 'drawn records')).toMatchObject({ status: 200 })
    expect(await view(runId)).toMatchObject({
      ...{ state: 'overridden', override: { by: 'operator', reason: 'drawn records' } },
    })
    expect(await model(runId)).toMatchObject({ status: 200 })
    const entries = (await world.store.audits(0, 100)).filter(
      ({ action, actor }) => action === 'run.audit-override' && actor === 'operator',
    )
    expect(entries.at(-1)).toMatchObject({
      ...{ phase: 'done', subject: runId, data: { reason: 'drawn records' } },
    })
  })

  it('tells the key that signs, and the schema of what it has signed', async () => {
    const status = await world.call(['GET', '/api/status'], { token: '' })
    const { auditKey } = HTTP_API['GET /api/status'].answer.parse(JSON.parse(status.text))
    expect(auditKey).toBe(world.coordinator.auditKey)
    const { text } = await world.call(['GET', '/api/schema/audit-report'])
    expect(text).toContain('"settingsHash"')
  })
})
