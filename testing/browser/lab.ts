/** A federation of real processes, and a browser that people of every role are signed in with. */
import type { Browser, BrowserContextOptions } from 'playwright-core'
import { hasChromium, mustHaveChromium, openChromium } from '../chromium.js'
import { Federation } from '../dashboard/federation.js'
import { PEOPLE, type Person } from '../dashboard/people.js'
import { endAll, temporaryDirectory } from '../e2e/harness.js'
import { open, type Visit } from './visit.js'

/** Where there is no browser, and nothing says that there must be one. */
export const isWithoutBrowser = !hasChromium && !mustHaveChromium

type State = NonNullable<Exclude<BrowserContextOptions['storageState'], string>>

export class Lab {
  readonly #states = new Map<string, State>()
  private constructor(
    readonly federation: Federation,
    readonly browser: Browser,
    readonly remove: () => Promise<void>,
  ) {}

  static async open(): Promise<Lab> {
    const [directory, browser] = await Promise.all([temporaryDirectory(), openChromium()])
    const lab = new Lab(new Federation(directory.path), browser, () => directory.remove())
    await lab.federation.start()
    await Promise.all(PEOPLE.map((person) => lab.federation.add(person)))
    return lab
  }
  get url(): string {
    return this.federation.url
  }
  /** By name and password the first time, by the cookie from then on. */
  async visit(person: Person, options: BrowserContextOptions = {}): Promise<Visit> {
    const state = this.#states.get(person.name)
    if (state !== undefined) return open(this.browser, { storageState: state, ...options })
    const visit = await open(this.browser, options)
    const { page } = visit
    await page.goto(this.url)
    await page.getByLabel('Name').fill(person.name)
    await page.getByLabel('Password').fill(person.password)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByRole('navigation', { name: 'Main' }).waitFor()
    this.#states.set(person.name, await page.context().storageState())
    return visit
  }
  async close(): Promise<void> {
    await this.browser.close()
    await endAll()
    await this.remove()
  }
}
