import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accessibilityProblems } from '../chromium.js'
import { ADMINISTRATOR } from '../dashboard/people.js'
import { isSettled } from '../dashboard/showcase-pages.js'
import { isWithoutBrowser, Lab } from './lab.js'
import { joinTiny, tinyRun } from './tiny.js'
import { fits, open, type Visit } from './visit.js'

const LAYERS = { model: { name: 'mlp', hidden: [12, 8] } }
const DIAGNOSED = {
  evaluation: {
    central: { name: 'synthetic', path: 'blobs:count=300:classes=4:features=8:seed=1' },
    federated: true,
    diagnostics: { probe: 32, every: 1 },
  },
}
const AUDITED = {
  updates: [
    { name: 'clip', norm: 0.5 },
    { name: 'gaussian-noise', stddev: 0.5 },
  ],
}
/** Which runs there are, and parts of a run's page with something of its own. */
const RUNS = {
  plain: tinyRun('Plain', { ...LAYERS, ...DIAGNOSED }),
  calibrated: tinyRun('Calibrated', { ...LAYERS, ...DIAGNOSED, calibration: { name: 'ccvr' } }),
  personal: tinyRun('Personal', {
    ...LAYERS,
    method: { name: 'fedd2s', interval: 1 },
    evaluation: { federated: true },
  }),
  pool: tinyRun('Pool', {
    model: { ...LAYERS.model, activation: 'gelu', closingNorm: true },
    method: { name: 'fedins', backbone: 'random', poolSize: 4, topK: 1 },
  }),
  noisy: tinyRun('Noisy', AUDITED),
}
const SIZES = {
  desk: { width: 1440, height: 900 },
  phone: { width: 390, height: 844 },
} as const

describe.skipIf(isWithoutBrowser)('every page', () => {
  let lab: Lab
  const ids: Record<string, string> = {}
  const paths = (): readonly string[] => {
    const run = (name: keyof typeof RUNS, ...tabs: readonly string[]): readonly string[] =>
      tabs.map((tab) => `/runs/${ids[name]}?tab=${tab}`)
    return [
      ...['/runs', '/start?example=mnist-demo', '/nodes', '/audits', '/users', '/operations'],
      ...run('plain', 'overview', 'timeline', 'clients', 'data', 'method', 'config', 'events'),
      ...run('calibrated', 'method'),
      ...run('personal', 'method'),
      ...run('pool', 'method'),
      ...run('noisy', 'overview', 'clients', 'privacy'),
      `/compare?run=${ids['plain']}&run=${ids['noisy']}`,
      '/there-is-no-such-page',
    ]
  }
  const settled = async (page: Page): Promise<void> => {
    await page.getByRole('heading', { level: 1 }).waitFor()
    await isSettled(page)
  }
  const faultsOn = async ({ page, problems }: Visit, path: string): Promise<readonly string[]> => {
    await page.goto(`${lab.url}${path}`)
    await settled(page)
    const wide = (await fits(page)) ? [] : ['wider than the screen']
    return [...(await accessibilityProblems(page)), ...wide, ...problems].map(
      (fault) => `${path}: ${fault}`,
    )
  }

  beforeAll(async () => {
    lab = await Lab.open()
    await Promise.all([
      joinTiny(lab.federation, 'north', '1/2'),
      joinTiny(lab.federation, 'south', '2/2'),
    ])
    for (const [name, config] of Object.entries(RUNS))
      ids[name] = await lab.federation.perform(config)
  })
  afterAll(() => lab.close())

  it.each(['light', 'dark'] as const)('can be read by everybody, %s', async (colorScheme) => {
    for (const viewport of Object.values(SIZES)) {
      const out = await open(lab.browser, { viewport, colorScheme })
      const faults = [...(await faultsOn(out, '/'))]
      await out.close()
      const visit = await lab.visit(ADMINISTRATOR, { viewport, colorScheme })
      for (const path of paths()) faults.push(...(await faultsOn(visit, path)))
      await visit.close()
      expect(faults).toEqual([])
    }
  })
})
