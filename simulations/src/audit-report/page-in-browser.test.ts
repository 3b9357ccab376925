import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  accessibilityProblems,
  hasChromium,
  mustHaveChromium,
  openChromium,
} from '#testing/chromium.js'
import { madeUpAudit, OPEN, QUIET, weaker } from '#testing/made-up-audit.js'
import { pictureUrl } from './picture-png.js'
import { auditReportPage } from './report.js'

const CLIP = { updates: [{ name: 'clip', norm: 1 }], defence: 'clip to norm 1' }
const LONG = 'There was much to say about the limits of this audit and it was said at length. '
/** A machine that does much else at a time. */
const SLOWEST = 120_000
/** As much as a first page has to hold: pictures, long words, four setups, many limitations. */
async function fullAudit() {
  const rows = [
    { methods: OPEN, utility: 0.94 },
    { methods: OPEN, ...CLIP, utility: 0.94 },
    { ...QUIET, updates: [{ name: 'top-k', fraction: 0.01 }], defence: 'the largest 1 % only' },
    { methods: weaker(7, 0), batchSize: 8, clients: 4 },
  ]
  const { report } = await madeUpAudit({}, rows)
  const image = await pictureUrl(
    Float32Array.from({ length: 256 }, (_, i) => (i % 17) / 16),
    { height: 16, width: 16, channels: 1 },
  )
  const pictures = [0, 1, 2, 3, 4].map((record) => ({
    ...{ record, truth: image },
    reconstructions: ['latent', 'gifd', 'ig', 'gias', 'ggl', 'gifd-cma', 'dlg'].map(
      (method, i) => ({ method, image, psnr: 10 + i }),
    ),
  }))
  const changes = {
    budget: 'smoke' as const,
    name: 'A federation of nine hospitals for the reading of chest radiographs, second model',
    records: { ...report.records, description: LONG.repeat(4) },
    generator: { ...report.generator!, trainedOn: LONG.repeat(4) },
    limitations: Array.from({ length: 12 }, (_, i) => `${i}. ${LONG.repeat(4)}`),
    pictures: {
      retainUntil: '2027-01-31',
      byRow: report.rows.map(({ id }) => ({ row: id, pictures })),
    },
  }
  return madeUpAudit(changes, rows)
}

describe.skipIf(!hasChromium && !mustHaveChromium)(
  'the page in Chromium (skipped where none is installed)',
  () => {
    let browser: Browser
    let directory: string
    let url: string
    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), 'tributary-audit-page-'))
      const file = join(directory, 'report.html')
      await writeFile(file, await auditReportPage(await fullAudit()))
      url = pathToFileURL(file).href
      browser = await openChromium()
    }, SLOWEST)
    afterAll(async () => {
      // Not there when it could not be opened: that is the failure to read.
      await (browser as Browser | undefined)?.close()
      await rm(directory, { recursive: true })
    })
    async function opened(options: BrowserContextOptions): Promise<Page> {
      const context = await browser.newContext(options)
      const page = await context.newPage()
      await page.goto(url)
      return page
    }
    const number = async (page: Page, script: string): Promise<number> =>
      Number(await page.evaluate(script))

    it('asks for nothing, and nothing in it fails', async () => {
      const page = await browser.newPage()
      const seen: string[] = []
      page.on('request', (request) => {
        if (!request.url().startsWith('data:')) seen.push(request.url())
      })
      page.on('console', (message) => seen.push(message.text()))
      page.on('pageerror', (error) => seen.push(error.message))
      await page.goto(url)
      expect(seen).toEqual([url])
      const broken = `[...document.images].filter((image) => image.naturalWidth !== 16).length`
      expect(await number(page, broken)).toBe(0)
    })
    it.each(['light', 'dark'] as const)('keeps nobody from reading it, %s', async (colorScheme) => {
      const page = await opened({ viewport: { width: 1280, height: 900 }, colorScheme })
      expect(await accessibilityProblems(page)).toEqual([])
    })
    it.each([1280, 768, 360])('is not wider than a window of %d', async (width) => {
      const page = await opened({ viewport: { width, height: 800 } })
      expect(await number(page, 'document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
    })
    it('has its first page on one sheet of A4', async () => {
      // 210 × 297 mm without margins of 14 and 16 mm, at 96 pixels an inch.
      const [width, height] = [688, 1001]
      const page = await opened({ viewport: { width, height } })
      await page.emulateMedia({ media: 'print' })
      const used = await number(
        page,
        `document.querySelector('.first').getBoundingClientRect().height`,
      )
      expect(used).toBeGreaterThan(height / 2)
      expect(used).toBeLessThanOrEqual(height)
    })
    it('loses nothing in print: no table is wider than the sheet', async () => {
      const page = await opened({ viewport: { width: 688, height: 1001 } })
      await page.emulateMedia({ media: 'print' })
      const wide = `[...document.querySelectorAll('table, svg')].filter((each) => each.getBoundingClientRect().right > 689).map((each) => each.textContent.slice(0, 40))`
      expect(await page.evaluate(wide)).toEqual([])
    })
    it('tells verdicts apart without colour', async () => {
      const page = await opened({ viewport: { width: 1280, height: 900 } })
      const drawn = `[...document.querySelectorAll('.scale li path')].map((path) => path.getAttribute('d'))`
      const said = `[...document.querySelectorAll('.scale li')].map((item) => item.textContent.trim())`
      for (const each of [drawn, said])
        expect(new Set(await page.evaluate<string[]>(each)).size).toBe(4)
      const framed = `document.querySelectorAll('.scale li[aria-current]').length`
      expect(await number(page, framed)).toBe(1)
    })
  },
)
