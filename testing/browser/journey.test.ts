import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RESEARCHER } from '../dashboard/people.js'
import { isWithoutBrowser, Lab } from './lab.js'
import { Keyboard, soon, type Visit } from './visit.js'

/** The demo's, of which each node holds a little. */
const MNIST = ['--data', 'mnist', '--limit', '1200', '--partition', 'dirichlet:0.5:seed=7']
const MORE_ROUNDS = 500

describe.skipIf(isWithoutBrowser)('a researcher, by keyboard alone', () => {
  let lab: Lab
  let visit: Visit
  let page: Page
  let keyboard: Keyboard
  const main = (): Locator => page.getByRole('main')
  const here = (): string => new URL(page.url()).pathname
  /** Of the run; data sets have a name too. */
  const nameField = (): Locator => page.getByRole('textbox', { name: 'Name', exact: true }).first()
  let demo = ''

  beforeAll(async () => {
    lab = await Lab.open()
    await Promise.all(
      ['first', 'second'].map((name, i) =>
        lab.federation.join(name, ...MNIST, '--shard', `${i + 1}/2`, '--share-counts'),
      ),
    )
    visit = await lab.visit(RESEARCHER)
    page = visit.page
    keyboard = new Keyboard(page)
    await page.goto(`${lab.url}/runs`)
  })
  afterAll(() => lab.close())

  it("starts the demo's run from the form, and sees it finish", async () => {
    await keyboard.activate(main().getByRole('link', { name: 'Start a run' }))
    await page.getByRole('heading', { name: 'Start a run' }).waitFor()
    await keyboard.activate(page.getByRole('button', { name: /Begin with/ }))
    const demoOption = page.getByRole('option', { name: /The demo/ })
    await demoOption.waitFor()
    await page.keyboard.type('The demo')
    await keyboard.press('Enter')
    await soon(() => nameField().inputValue()).toBe('mnist-demo')
    await keyboard.activate(page.getByRole('button', { name: 'Start run' }))
    await page.getByRole('heading', { name: 'mnist-demo' }).waitFor()
    demo = here().split('/').at(-1) ?? ''
    await page.evaluate('globalThis.isTheSamePage = true')
    await main().getByText('Finished').first().waitFor()
    // Nobody asked for the page again: it heard of everything.
    expect(await page.evaluate('globalThis.isTheSamePage')).toBe(true)
    const record = await lab.federation.api.call('GET /api/runs/:id', { id: demo })
    expect(record).toMatchObject({ name: 'mnist-demo', state: 'finished' })
    expect(visit.problems).toEqual([])
  })

  it('starts another like it, and stops it', async () => {
    await keyboard.activate(main().getByRole('link', { name: 'Clone' }))
    await soon(() => nameField().inputValue()).toBe('mnist-demo')
    await keyboard.write(nameField(), 'Without end')
    const rounds = page.getByRole('textbox', { name: 'Rounds', exact: true })
    await keyboard.write(rounds, String(MORE_ROUNDS))
    await keyboard.activate(page.getByRole('button', { name: 'Start run' }))
    await page.getByRole('heading', { name: 'Without end' }).waitFor()
    await keyboard.activate(main().getByRole('button', { name: 'Stop' }))
    await page.getByRole('alertdialog').getByRole('button', { name: 'Stop' }).waitFor()
    await keyboard.activate(page.getByRole('alertdialog').getByRole('button', { name: 'Stop' }))
    await page.getByRole('alertdialog').waitFor({ state: 'hidden' })
    await main().getByRole('button', { name: 'Resume' }).waitFor()
    const id = here().split('/').at(-1) ?? ''
    const record = await lab.federation.api.call('GET /api/runs/:id', { id })
    expect(record).toMatchObject({ state: 'stopped', config: { rounds: MORE_ROUNDS } })
    expect(visit.problems).toEqual([])
  })

  it('is told beside the field what the coordinator does not take', async () => {
    await page.goto(`${lab.url}/start?from=${demo}`)
    const rounds = page.getByRole('textbox', { name: 'Rounds', exact: true })
    await keyboard.write(rounds, '-3')
    await keyboard.activate(page.getByRole('button', { name: 'Start run' }))
    await soon(() => rounds.getAttribute('aria-invalid')).toBe('true')
    expect(here()).toBe('/start')
    expect(visit.problems).toEqual([])
  })

  it('compares the two', async () => {
    await keyboard.activate(
      page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Runs' }),
    )
    for (const name of ['Compare mnist-demo', 'Compare Without end']) {
      await keyboard.goTo(main().getByRole('checkbox', { name }))
      await keyboard.press('Space')
    }
    await keyboard.activate(main().getByRole('button', { name: 'Compare 2' }))
    await page.getByRole('heading', { name: 'Compare' }).waitFor()
    const differences = page.getByRole('region', { name: /differ/i })
    await differences.getByText(String(MORE_ROUNDS)).first().waitFor()
    await differences.getByText('rounds').first().waitFor()
    expect(visit.problems).toEqual([])
  })
})
