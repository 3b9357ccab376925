/** A page as a person has it open, with everything that went wrong on it. */
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core'
import { expect } from 'vitest'

/** Of slow machines. */
const PATIENCE_MS = 60_000

export interface Visit {
  readonly page: Page
  /** Errors of scripts, and what the policy of contents kept from happening. */
  readonly problems: readonly string[]
  close(): Promise<void>
}

/** What a browser says of every answer that is a refusal, and of a coordinator that is gone. */
const OF_THE_NETWORK = /Failed to load resource|WebSocket connection to/

export async function open(browser: Browser, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options })
  context.setDefaultTimeout(PATIENCE_MS)
  const problems: string[] = []
  await context.exposeBinding('tellViolation', (_, text: string) => problems.push(`CSP: ${text}`))
  await context.addInitScript(`
    addEventListener('securitypolicyviolation', (event) => {
      tellViolation(event.violatedDirective + ' ' + event.blockedURI + ' ' + event.sourceFile + ' ' + event.sample)
    })`)
  const page = await context.newPage()
  page.on('pageerror', (error) => problems.push(`error: ${error.stack ?? error.message}`))
  page.on('dialog', (dialog) => {
    problems.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('console', (message) => {
    if (message.type() === 'error' && !OF_THE_NETWORK.test(message.text()))
      problems.push(`console: ${message.text()}`)
  })
  return { page, problems, close: () => context.close() }
}

/** The keyboard, as who has no other hand uses it. */
export class Keyboard {
  readonly #page: Page
  constructor(page: Page) {
    this.#page = page
  }
  /** With Tab until it is there. */
  async goTo(element: Locator): Promise<void> {
    await element.waitFor()
    for (let i = 0; i < 300; i += 1) {
      if (await this.#isAt(element)) return
      await this.press('Tab')
    }
    throw new Error(`Tab never comes to ${element.toString()}`)
  }
  async #isAt(element: Locator): Promise<boolean> {
    return (await element.and(this.#page.locator(':focus')).count()) > 0
  }
  press(key: string): Promise<void> {
    return this.#page.keyboard.press(key)
  }
  /** In place of what is there. */
  async write(field: Locator, text: string): Promise<void> {
    await this.goTo(field)
    await this.press('ControlOrMeta+A')
    await this.#page.keyboard.type(text)
  }
  async activate(element: Locator): Promise<void> {
    await this.goTo(element)
    await this.press('Enter')
  }
}

/** Waits until a value is what it has to be. */
export const soon = <T>(value: () => T | Promise<T>): ReturnType<typeof expect.poll> =>
  expect.poll(value, { timeout: PATIENCE_MS, interval: 100 })

/** Whether nothing has to be scrolled sideways. */
export const fits = (page: Page): Promise<boolean> =>
  page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth')
