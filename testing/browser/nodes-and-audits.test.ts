import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMINISTRATOR, VIEWER } from '../dashboard/people.js'
import type { Running } from '../e2e/harness.js'
import { isWithoutBrowser, Lab } from './lab.js'
import { joinTiny, tinyRun } from './tiny.js'

/** A layer behind the records: what an update shows is the record. */
const OPEN = {
  training: { localEpochs: 1, batchSize: 1, optimizer: { name: 'sgd', learningRate: 0.05 } },
  task: { inputShape: [8, 8, 1], classes: ['0', '1', '2'] },
  model: { name: 'mlp', hidden: [12], activation: 'softplus' },
  evaluation: {},
  compute: { backend: 'wasm', threads: 1 },
  audit: { threshold: 'elevated', budget: 'smoke', count: 2 },
  cohort: { all: true, minReporters: 1, graceSeconds: 1, deadlineSeconds: 200 },
  rounds: 1,
  seed: 3,
}

describe.skipIf(isWithoutBrowser)('an administrator', () => {
  let lab: Lab
  let south: Running
  beforeAll(async () => {
    lab = await Lab.open()
    ;[, south] = await Promise.all([
      joinTiny(lab.federation, 'north', '1/2'),
      joinTiny(lab.federation, 'south', '2/2'),
    ])
  })
  afterAll(() => lab.close())

  it('invites a node with what the page says, sees it come, and revokes another', async () => {
    const visit = await lab.visit(ADMINISTRATOR)
    const { page, problems } = visit
    await page.goto(`${lab.url}/nodes`)
    await page.getByRole('button', { name: 'Invite a node' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('button', { name: 'Make a code' }).click()
    const code = /[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}/
    const shown = await dialog.getByText(code).first().textContent()
    await page.keyboard.press('Escape')
    const data = ['--data', 'synthetic:blobs:count=300:classes=4:features=8:seed=1']
    await lab.federation.rejoin('west', '--code', code.exec(shown ?? '')?.[0] ?? '', ...data)
    await page
      .getByRole('row', { name: /west/ })
      .getByText('Ready')
      .filter({ visible: true })
      .waitFor()

    await page.getByRole('link', { name: 'south' }).click()
    await page
      .getByRole('dialog', { name: 'south' })
      .getByRole('button', { name: 'Revoke' })
      .click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Revoke' }).click()
    await page.getByRole('alertdialog').waitFor({ state: 'hidden' })
    const { errorText } = await south.ended
    expect(errorText).toMatch(/revoked/i)
    await page.keyboard.press('Escape')
    await page
      .getByRole('row', { name: /south/ })
      .getByText('Revoked')
      .filter({ visible: true })
      .waitFor()
    expect(problems).toEqual([])
    await visit.close()
  })

  it('reads the report of an audit, which a viewer may read too, and lets its run start', async () => {
    const data = ['--data', 'synthetic:stroke-digits:side=8:classes=3:count=12:seed=5']
    await lab.federation.join('pictures', ...data)
    const runId = await lab.federation.perform(tinyRun('Open to attacks', OPEN))

    const viewer = await lab.visit(VIEWER)
    await viewer.page.goto(`${lab.url}/audits`)
    await viewer.page.getByRole('link', { name: 'Open to attacks' }).click()
    await viewer.page.getByRole('heading', { name: /Open to attacks/ }).waitFor()
    await viewer.page.getByText('certain', { exact: false }).first().waitFor()
    await viewer.page.getByRole('button', { name: 'report.json' }).waitFor()
    expect(await viewer.page.getByRole('button', { name: /Override/ }).count()).toBe(0)
    expect(viewer.problems).toEqual([])
    await viewer.close()

    const { page, problems } = await lab.visit(ADMINISTRATOR)
    await page.goto(`${lab.url}/audits/${runId}`)
    await page.getByRole('button', { name: /Override/ }).click()
    const dialog = page.getByRole('alertdialog')
    await dialog.getByRole('textbox').fill('Published pictures only')
    await dialog.getByRole('button', { name: /Override/ }).click()
    await dialog.waitFor({ state: 'hidden' })
    await page.getByText('Published pictures only').first().waitFor()
    const audit = await lab.federation.api.call('GET /api/runs/:id/audit', { id: runId })
    expect(audit).toMatchObject({
      ...{ state: 'overridden', verdict: 'certain' },
      override: { by: 'user:administrator', reason: 'Published pictures only' },
    })
    expect(problems).toEqual([])
  })
})
