import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMINISTRATOR, RESEARCHER, VIEWER, type Person } from '../dashboard/people.js'
import { isWithoutBrowser, Lab } from './lab.js'
import { open } from './visit.js'
import { joinTiny, tinyRun } from './tiny.js'

const PLACES: readonly (readonly [Person, readonly string[]])[] = [
  [VIEWER, ['Runs', 'Nodes', 'Audits']],
  [RESEARCHER, ['Runs', 'Nodes', 'Audits']],
  [ADMINISTRATOR, ['Runs', 'Nodes', 'Audits', 'Users', 'Operations']],
]
/** What changes something, by where it is. */
const BUTTONS = {
  runs: ['Start a run'],
  run: ['Clone', 'Stop'],
  nodes: ['Invite'],
} as const

describe.skipIf(isWithoutBrowser)('who signs in', () => {
  let lab: Lab
  let runId: string
  beforeAll(async () => {
    lab = await Lab.open()
    await joinTiny(lab.federation, 'north', '1/2')
    const cohort = { all: true, minReporters: 2 }
    runId = await lab.federation.begin(tinyRun('Waits for a second', { cohort }))
    await lab.federation.event(runId, ({ type }) => type === 'run:waiting')
  })
  afterAll(() => lab.close())

  it('comes in by the code in a link, chooses a password, and comes back with it', async () => {
    const body = { name: 'nora', role: 'viewer' }
    const { code } = await lab.federation.api.call('POST /api/users', { body })
    const visit = await open(lab.browser)
    const { page } = visit
    await page.goto(`${lab.url}/runs#code=${encodeURIComponent(code)}`)
    await page.getByLabel('New password').fill('short')
    await page.getByRole('button', { name: 'Set password' }).click()
    await page.getByRole('alert').waitFor()
    await page.getByLabel('New password').fill('a password of my own')
    await page.getByRole('button', { name: 'Set password' }).click()
    await page.getByRole('heading', { name: 'Runs' }).waitFor()
    expect(new URL(page.url()).hash).toBe('')

    await page.getByRole('button', { name: /^nora/ }).click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await page.getByLabel('Name').fill('nora')
    await page.getByLabel('Password').fill('not my password')
    await page.keyboard.press('Enter')
    await page.getByRole('alert').waitFor()
    await page.getByLabel('Password').fill('a password of my own')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Runs' }).waitFor()
    expect(visit.problems).toEqual([])
    await visit.close()
  })

  it.each(PLACES)('$name sees what the role may, and nothing else', async (person, places) => {
    const visit = await lab.visit(person)
    const { page } = visit
    const main = page.getByRole('navigation', { name: 'Main' })
    await page.goto(`${lab.url}/runs`)
    await page.getByRole('link', { name: 'Waits for a second' }).waitFor()
    expect(await main.getByRole('listitem').allTextContents()).toEqual(places)
    const mayChange = person !== VIEWER
    const seen = async (names: readonly string[]): Promise<readonly string[]> => {
      const found: string[] = []
      const area = page.getByRole('main')
      for (const name of names) {
        const either = area.getByRole('button', { name }).or(area.getByRole('link', { name }))
        if ((await either.count()) > 0) found.push(name)
      }
      return found
    }
    expect(await seen(BUTTONS.runs)).toEqual(mayChange ? BUTTONS.runs : [])
    await page.goto(`${lab.url}/runs/${runId}`)
    await page.getByRole('button', { name: 'Export' }).waitFor()
    expect(await seen(BUTTONS.run)).toEqual(mayChange ? BUTTONS.run : [])
    await page.goto(`${lab.url}/nodes`)
    await page.getByText('north').first().waitFor()
    expect(await seen(BUTTONS.nodes)).toEqual(person === ADMINISTRATOR ? BUTTONS.nodes : [])
    expect(visit.problems).toEqual([])
    await visit.close()
  })

  it('is told where the role does not lead, also who knows the address', async () => {
    const visit = await lab.visit(VIEWER)
    for (const place of ['users', 'operations', 'start']) {
      await visit.page.goto(`${lab.url}/${place}`)
      await visit.page.getByText(/role/).first().waitFor()
      const buttons = await visit.page.getByRole('main').getByRole('button').allTextContents()
      expect(buttons.filter((text) => text !== 'Try again')).toEqual([])
    }
    expect(visit.problems).toEqual([])
    await visit.close()
  })
})
