/** Every page that there is, and what is to be seen on it before it counts as there. */
import type { Page } from 'playwright-core'
import type { RunLine } from '#protocol/run-views.js'
import { ADMINISTRATOR, RESEARCHER, VIEWER, type Person } from './people.js'

export interface ShownPage {
  /** Of its file. */
  readonly name: string
  readonly path: string
  /** Who looks at it; null: nobody is signed in. */
  readonly person: Person | null
  /** Resolves when what it is about is there. */
  readonly isThere: (page: Page) => Promise<void>
}

/** Resolves when nothing is asked for any more, and nothing says that it still loads. */
export async function isSettled(page: Page): Promise<void> {
  await page.waitForLoadState('networkidle')
  const busy = page.getByText(/^(Loading|Reading|Drawing)/).filter({ visible: true })
  await busy.first().waitFor({ state: 'hidden' })
}

const shows =
  (text: string | RegExp) =>
  async (page: Page): Promise<void> => {
    await page.getByText(text).filter({ visible: true }).first().waitFor()
    await isSettled(page)
  }

/** Of the runs that the showcase makes, by their names. */
export function pagesOf(runs: readonly RunLine[]): readonly ShownPage[] {
  const idOf = (name: string): string => {
    const found = runs.findLast((run) => run.name === name)
    if (found === undefined) throw new Error(`There is no run ${name}`)
    return found.runId
  }
  const compared = runs.filter(({ name }) => /^Digits (baseline|proximal)$/.test(name))
  const run = (tab: string, of: string): string =>
    `/runs/${idOf(of)}${tab === 'overview' ? '' : `?tab=${tab}`}`
  const tab = (name: string, id: string, of: string): ShownPage => ({
    ...{ name: `run-${name}`, path: run(id, of), person: RESEARCHER },
    isThere: shows(of),
  })
  return [
    { name: 'sign-in', path: '/', person: null, isThere: shows('Sign in to Tributary') },
    { name: 'runs', path: '/runs', person: RESEARCHER, isThere: shows('Four scanners') },
    {
      ...{ name: 'start', path: '/start?example=mnist-demo', person: RESEARCHER },
      isThere: shows('Begin with'),
    },
    tab('overview', 'overview', 'Nightly training'),
    tab('timeline', 'timeline', 'Digits proximal'),
    tab('clients', 'clients', 'Digits proximal'),
    tab('data', 'data', 'Digits baseline'),
    tab('ccvr', 'method', 'Digits calibrated'),
    tab('fedd2s', 'method', 'Personal models'),
    tab('fedins', 'method', 'Four scanners'),
    tab('privacy', 'privacy', 'Pilot with noise'),
    tab('configuration', 'config', 'Digits proximal'),
    tab('events', 'events', 'Nightly training'),
    {
      ...{ name: 'compare', person: RESEARCHER, isThere: shows('Settings that differ') },
      path: `/compare?${compared.map(({ runId }) => `run=${runId}`).join('&')}`,
    },
    { name: 'nodes', path: '/nodes', person: ADMINISTRATOR, isThere: shows('Gent MR') },
    { name: 'audits', path: '/audits', person: VIEWER, isThere: shows('Pilot with noise') },
    {
      ...{ name: 'audit', path: `/audits/${idOf('Pilot, one record a step')}` },
      ...{ person: ADMINISTRATOR, isThere: shows('Pilot, one record a step') },
    },
    { name: 'users', path: '/users', person: ADMINISTRATOR, isThere: shows('viktor') },
    { name: 'operations', path: '/operations', person: ADMINISTRATOR, isThere: shows('Memory') },
  ]
}
