/**
 * Pictures of every page of the dashboard: light and dark, on a desk and on a phone. What they show comes from the showcase,
 * with nodes that go on training meanwhile.
 *
 *     npm run showcase && npm run screenshots
 */
import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { Browser, Page } from 'playwright-core'
import sharp from 'sharp'
import { accessibilityProblems, openChromium } from '../chromium.js'
import { open, fits, type Visit } from '../browser/visit.js'
import { endAll, temporaryDirectory } from '../e2e/harness.js'
import { Federation } from './federation.js'
import type { Person } from './people.js'
import { pagesOf, type ShownPage } from './showcase-pages.js'
import { SCANNERS, scannerFlags } from './showcase-runs.js'

const SIZES = {
  desktop: { viewport: { width: 1440, height: 900 }, deviceScaleFactor: 1 },
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 1.5 },
} as const
const SCHEMES = ['light', 'dark'] as const
const MOST_BYTES = 150_000

const { values } = parseArgs({
  options: {
    from: { type: 'string', default: '.tributary/showcase' },
    out: { type: 'string', default: 'docs/screenshots' },
    only: { type: 'string', default: '' },
  },
})
const out = resolve(values.out)
const say = (text: string): boolean => process.stderr.write(`${text}\n`)

/** With as many colours as fit. */
async function keep(picture: Buffer, name: string): Promise<void> {
  for (const colours of [256, 128, 64, 32]) {
    const small = await sharp(picture).png({ palette: true, colours, effort: 10 }).toBuffer()
    if (small.length > MOST_BYTES && colours > 32) continue
    await writeFile(join(out, `${name}.png`), small)
    return
  }
}

const MOST_TRIES = 8
/** Once two pictures in a row are alike: charts draw when they know their size. A page that goes on changing is taken as it is. */
async function still(page: Page): Promise<Buffer> {
  let before = await page.screenshot()
  for (let i = 0; i < MOST_TRIES; i += 1) {
    await page.evaluate(
      'new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))',
    )
    const now = await page.screenshot()
    if (now.equals(before)) return now
    before = now
  }
  return before
}

class Photographer {
  constructor(
    readonly browser: Browser,
    readonly url: string,
  ) {}
  /** Of all pages of a person, in one way to look at them. */
  async take(pages: readonly ShownPage[], look: Parameters<typeof open>[1], name: string) {
    for (const person of new Set(pages.map((page) => page.person))) {
      const visit = await open(this.browser, look ?? {})
      if (person !== null) await this.#signIn(visit.page, person)
      for (const page of pages.filter((one) => one.person === person))
        await this.#picture(visit, page, `${page.name}-${name}`)
      for (const problem of visit.problems) say(`  ${problem}`)
      await visit.close()
    }
  }
  async #signIn(page: Page, { name, password }: Person): Promise<void> {
    await page.goto(this.url)
    await page.getByLabel('Name').fill(name)
    await page.getByLabel('Password').fill(password)
    await page.keyboard.press('Enter')
    await page.getByRole('navigation', { name: 'Main' }).waitFor()
  }
  async #picture({ page }: Visit, shown: ShownPage, name: string): Promise<void> {
    await page.goto(`${this.url}${shown.path}`)
    await shown.isThere(page)
    await keep(await still(page), name)
    if (!(await fits(page))) say(`  ${name} is wider than the screen`)
    for (const problem of await accessibilityProblems(page)) say(`  ${name}: ${problem}`)
    say(name)
  }
}

const directory = await temporaryDirectory()
const browser = await openChromium()
try {
  await mkdir(out, { recursive: true })
  for (const part of ['data', 'nodes', 'master-key'])
    await cp(join(values.from, part), join(directory.path, part), { recursive: true })
  const federation = new Federation(directory.path)
  await federation.start()
  await Promise.all(SCANNERS.slice(1).map((name) => federation.rejoin(name, ...scannerFlags(name))))
  const { runs } = await federation.api.call('GET /api/runs')
  const pages = pagesOf(runs).filter(({ name }) => name.startsWith(values.only))
  const photographer = new Photographer(browser, federation.url)
  for (const scheme of SCHEMES)
    for (const [size, look] of Object.entries(SIZES))
      await photographer.take(pages, { ...look, colorScheme: scheme }, `${size}-${scheme}`)
  await federation.stop()
} finally {
  await browser.close()
  await endAll()
  await rm(directory.path, { recursive: true, force: true })
}
say(`Done: ${out}`)
