/** The browser of tests that open pages. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { chromium, type Browser, type Page } from 'playwright-core'
import { findChromium } from '../scripts/ensure-chromium.mjs'

const isSet = (name: string): boolean => (process.env[name] ?? '') !== ''
/** In CI, and where `npm test` found one, a browser that is missing is a failure. */
export const mustHaveChromium = isSet('CI') || isSet('TRIBUTARY_REQUIRE_CHROMIUM')
export const hasChromium = findChromium() !== null

export async function openChromium(): Promise<Browser> {
  const executablePath = findChromium()
  if (executablePath === null)
    throw new Error('No Chromium; run: node scripts/ensure-chromium.mjs, or set CHROMIUM')
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] })
}

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js')
interface AxeResults {
  readonly violations: readonly {
    readonly id: string
    readonly nodes: readonly {
      readonly target: readonly string[]
      readonly failureSummary?: string
    }[]
  }[]
}
/** What keeps people from reading the page, by the rules of axe; empty: nothing that it knows of. */
export async function accessibilityProblems(page: Page): Promise<readonly string[]> {
  const run = `${readFileSync(AXE, 'utf8')};axe.run(document, { resultTypes: ['violations'] })`
  const { violations } = await page.evaluate<AxeResults>(run)
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary = '' }) => `${id} ${target.join(' ')}: ${failureSummary}`),
  )
}
