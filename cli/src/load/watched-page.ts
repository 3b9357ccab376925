import { existsSync } from 'node:fs'
import type { Browser, CDPSession, Page } from 'playwright-core'
import { FederationError } from '#protocol/errors.js'

/** What a page took and did in a span of time. */
export interface PageSample {
  /** Since the page was open. */
  readonly minutes: number
  readonly domNodes: number
  readonly listeners: number
  /** After everything that is not in use was thrown away. */
  readonly heapBytes: number
  readonly frames: FrameTimes
}
/** From one frame to the next, in milliseconds; of none all are null. */
export interface FrameTimes {
  readonly count: number
  readonly p50: number | null
  readonly p95: number | null
  readonly p99: number | null
  readonly longest: number | null
}

/** Collects in the page how long each frame took; `takeFrames()` hands them over and begins anew. */
const COLLECT = `
  let frames = []
  let before = null
  const count = (now) => {
    if (before !== null) frames.push(now - before)
    before = now
    requestAnimationFrame(count)
  }
  requestAnimationFrame(count)
  globalThis.takeFrames = () => {
    const taken = frames
    frames = []
    return taken
  }`

const INSTALLED = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

/** Throws `benchmark/no-browser` where there is no browser, or nothing to drive it with. */
async function openBrowser(): Promise<Browser> {
  const executablePath = process.env['CHROMIUM'] ?? INSTALLED.find((path) => existsSync(path))
  if (executablePath === undefined) throw missing('No Chromium was found; name one in $CHROMIUM')
  // Of who develops Tributary: whoever installs it to use it has none.
  const { chromium } = await import('playwright-core').catch((cause: unknown) => {
    throw missing('The package playwright-core is not installed', cause)
  })
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] })
}
const missing = (message: string, cause?: unknown): FederationError =>
  new FederationError('benchmark/no-browser', message, { cause })

/** A page in Chromium, and what it costs to have it open. */
export class WatchedPage {
  readonly page: Page
  readonly #browser: Browser
  readonly #devtools: CDPSession
  readonly #frames: number[] = []
  #startedMs = performance.now()

  private constructor(page: Page, browser: Browser, devtools: CDPSession) {
    this.page = page
    this.#browser = browser
    this.#devtools = devtools
  }

  static async open(): Promise<WatchedPage> {
    const browser = await openBrowser()
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } })
    page.setDefaultTimeout(120_000)
    await page.addInitScript(COLLECT)
    const devtools = await page.context().newCDPSession(page)
    await devtools.send('Network.enable')
    return new WatchedPage(page, browser, devtools)
  }

  /** Bytes that came over the network, as they came, until `isThere`. */
  async firstLoad(address: string, isThere: () => Promise<void>): Promise<number> {
    let bytes = 0
    this.#devtools.on('Network.loadingFinished', ({ encodedDataLength }) => {
      bytes += encodedDataLength
    })
    // As who was never here.
    await this.#devtools.send('Network.setCacheDisabled', { cacheDisabled: true })
    await this.page.goto(address)
    await isThere()
    await this.#devtools.send('Network.setCacheDisabled', { cacheDisabled: false })
    return bytes
  }
  /** From now on. */
  async begin(): Promise<void> {
    await this.page.evaluate('takeFrames()')
    this.#startedMs = performance.now()
  }
  get minutes(): number {
    return (performance.now() - this.#startedMs) / 60_000
  }
  /** Of all samples. */
  get frames(): FrameTimes {
    return frameTimes(this.#frames)
  }
  async sample(): Promise<PageSample> {
    const frames = await this.page.evaluate<readonly number[]>('takeFrames()')
    this.#frames.push(...frames)
    await this.#devtools.send('HeapProfiler.collectGarbage')
    const { nodes, jsEventListeners } = await this.#devtools.send('Memory.getDOMCounters')
    const { usedSize } = await this.#devtools.send('Runtime.getHeapUsage')
    // The frame in which that was found out is none of the page's.
    await this.page.evaluate('takeFrames()')
    return {
      minutes: this.minutes,
      ...{ domNodes: nodes, listeners: jsEventListeners, heapBytes: usedSize },
      frames: frameTimes(frames),
    }
  }
  close(): Promise<void> {
    return this.#browser.close()
  }
}

/** Exported for its test. */
export function frameTimes(frames: readonly number[]): FrameTimes {
  const inOrder = [...frames].sort((a, b) => a - b)
  const at = (share: number): number | null =>
    inOrder[Math.min(inOrder.length - 1, Math.floor(share * inOrder.length))] ?? null
  return { count: frames.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), longest: at(1) }
}
