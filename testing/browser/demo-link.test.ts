import type { Browser } from 'playwright-core'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openChromium } from '../chromium.js'
import { endAll, start, temporaryDirectory } from '../e2e/harness.js'
import { isWithoutBrowser } from './lab.js'
import { open } from './visit.js'

describe.skipIf(isWithoutBrowser)('the link that the demonstration prints', () => {
  let browser: Browser
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>
  beforeAll(async () => {
    directory = await temporaryDirectory()
    browser = await openChromium()
  })
  afterAll(async () => {
    await browser.close()
    await endAll()
    await directory.remove()
  })

  it('opens the dashboard signed in, where its run is seen to its end', async () => {
    const target = join(directory.path, 'demo')
    const options = ['--nodes', '2', '--keep', '--set', 'rounds=2']
    const demo = start(['demo', '--dir', target, ...options], { cwd: directory.path })
    const { link } = await demo.event('demo:connected')
    const visit = await open(browser)
    const { page } = visit
    await page.goto(link as string)
    await page.getByRole('heading', { name: 'Runs' }).waitFor()
    expect(new URL(page.url()).hash).toBe('')
    await page.getByRole('button', { name: /^administrator/ }).waitFor()
    await page.getByRole('link', { name: 'mnist-demo' }).click()
    await page.getByText('Finished', { exact: true }).first().waitFor({ timeout: 120_000 })
    expect(visit.problems).toEqual([])
    await visit.close()
    await demo.kill('SIGTERM')
  })
})
