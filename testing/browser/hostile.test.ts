import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMINISTRATOR } from '../dashboard/people.js'
import { isSettled } from '../dashboard/showcase-pages.js'
import { OWNED, PAYLOADS } from '../security/xss-payloads.js'
import { callOf, Hostility } from './hostile-answers.js'
import { isWithoutBrowser, Lab } from './lab.js'
import { joinTiny, tinyRun } from './tiny.js'
import type { Visit } from './visit.js'

const LISTS = ['/runs', '/nodes', '/audits', '/users', '/operations', '/start?example=mnist-demo']
const TABS = ['overview', 'timeline', 'clients', 'data', 'method', 'privacy', 'config', 'events']

describe.skipIf(isWithoutBrowser)('SEC-T14: text from others on pages', () => {
  let lab: Lab
  let visit: Visit
  let runId: string
  let auditedId: string
  const hostility = new Hostility(PAYLOADS)

  beforeAll(async () => {
    lab = await Lab.open()
    // What a coordinator itself takes.
    const audit = { threshold: 'elevated', budget: 'smoke', count: 2 }
    const pictures = { task: { inputShape: [8, 8, 1], classes: [PAYLOADS[3]!, PAYLOADS[4]!] } }
    const model = { name: 'mlp', hidden: [8], activation: 'softplus' }
    auditedId = await lab.federation.begin(
      tinyRun(PAYLOADS[1]!, { ...pictures, model, audit, evaluation: {} }),
    )
    await Promise.all([
      joinTiny(lab.federation, PAYLOADS[0]!, '1/2'),
      joinTiny(lab.federation, PAYLOADS[11]!, '2/2'),
    ])
    runId = await lab.federation.perform(tinyRun(PAYLOADS[16]!))
    await lab.federation.event(auditedId, ({ type }) =>
      ['run:stopped', 'run:waiting'].includes(type),
    )
    visit = await lab.visit(ADMINISTRATOR)
  })
  afterAll(() => lab.close())

  const look = async (path: string): Promise<void> => {
    const { page } = visit
    await page.goto(`${lab.url}${path}`)
    await page.getByRole('heading', { level: 1 }).waitFor({ state: 'attached' })
    await isSettled(page)
  }
  const expectQuiet = async (where: string): Promise<void> => {
    const { page, problems } = visit
    const isOwned = await page.evaluate(`document.documentElement.hasAttribute('${OWNED}')`)
    expect([where, isOwned, problems]).toEqual([where, false, []])
  }

  it('SEC-T14: is text, as the coordinator gives it out', async () => {
    await look('/runs')
    await visit.page.getByText(PAYLOADS[16]!).first().waitFor()
    for (const path of ['/nodes', '/audits', `/audits/${auditedId}`, `/runs/${runId}`]) {
      await look(path)
      await expectQuiet(path)
    }
  })

  it(`SEC-T14: is text, each of ${PAYLOADS.length} in every field that an answer has`, async () => {
    const { page } = visit
    await page.route('**/api/**', async (route) => {
      const { pathname } = new URL(route.request().url())
      const call = route.request().method() === 'GET' ? callOf(pathname) : null
      if (call === null || pathname === '/api/session' || pathname.includes('/schema/')) {
        await route.continue()
        return
      }
      const response = await route.fetch()
      const isJson = (response.headers()['content-type'] ?? '').includes('json') && response.ok()
      const json = isJson ? hostility.answer(call, await response.json()) : null
      await route.fulfill(isJson ? { response, json } : { response })
    })
    for (const path of LISTS) {
      await look(path)
      await expectQuiet(path)
    }
    for (const [i] of PAYLOADS.entries()) {
      hostility.offset = i
      const path = `/runs/${runId}?tab=${TABS[i % TABS.length]}`
      await look(path)
      await expectQuiet(path)
    }
    for (const path of [`/audits/${auditedId}`, `/start?from=${runId}`, `/compare?run=${runId}`]) {
      await look(path)
      await expectQuiet(path)
    }
    const places = [...hostility.places].join('\n')
    for (const field of ['runs.*.name', 'runs.*.reason', 'nodes.*.name', 'nodes.*.card.classes.*'])
      expect(places).toContain(field)
    expect(places).toContain('GET /api/runs/:id/view config.task.classes.*')
    expect(places).toContain('GET /api/runs/:id/events')
    await page.unroute('**/api/**')
  })

  it('SEC-T14: is text, where it is written into fields and addresses', async () => {
    const { page } = visit
    await look('/runs')
    for (const payload of PAYLOADS) await page.getByLabel('Find runs').fill(payload)
    await expectQuiet('Find runs')
    for (const payload of PAYLOADS.slice(0, 6)) {
      for (const path of [
        `/runs?q=${encodeURIComponent(payload)}`,
        `/${encodeURIComponent(payload)}`,
      ]) {
        await page.goto(`${lab.url}${path}`)
        await page.getByRole('heading', { level: 1 }).waitFor({ state: 'attached' })
      }
    }
    await expectQuiet('addresses')
  })

  it('SEC-T14: would be seen to run, if it did', async () => {
    const { page, problems } = visit
    await page.evaluate(
      `document.body.insertAdjacentHTML('beforeend', ${JSON.stringify(PAYLOADS[11])})`,
    )
    await expect.poll(() => problems.length).toBeGreaterThan(0)
    expect(problems[0]).toMatch(/CSP|console/)
  })
})
