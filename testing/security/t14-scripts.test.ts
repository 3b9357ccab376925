import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunId } from '#protocol/ids.js'
import type { RunRecord } from '#protocol/record.js'
import { compareReport } from '#simulations/report/report.js'
import { nameOf, ROUTES } from '#coordinator/http/routes.js'
import { hasChromium, mustHaveChromium } from '#testing/chromium.js'
import { madeUpRun } from '#testing/made-up-runs.js'
import { findChromium } from '../../scripts/ensure-chromium.mjs'
import { OWNED, PAYLOADS } from './xss-payloads.js'
import { World } from './world.js'

/** Where people and peers can put text: names, classes, metrics, reasons, versions, configurations. */
function hostile(payload: string): RunRecord {
  const record = madeUpRun({
    members: [
      [3, 4],
      [1, 2],
    ],
    rounds: [0, 1, 2].map((i) => ({
      metrics: { accuracy: i / 4, [payload]: i, [`recall/${payload}`]: i / 3 },
      clients: [{ loss: i, accuracy: i / 5, [payload]: 1 }, null],
    })),
  })
  // Longer, in part, than a coordinator would take it.
  const classes = [payload, `${payload} `]
  const task = { ...record.config.task, classes }
  return {
    ...record,
    ...{ name: payload, reason: payload, version: payload },
    engine: { backend: payload, version: payload, threads: 1 },
    config: { ...record.config, name: payload, task, method: { name: payload, note: payload } },
    roster: record.roster.map((member) => ({
      ...member,
      ...{ name: payload, card: { ...member.card, classes } },
    })),
  }
}

describe('SEC-T14: answers of the coordinator', () => {
  let world: World
  let runId: string
  beforeAll(async () => {
    world = await World.open()
    const node = await world.join(PAYLOADS[0]!)
    runId = await world.run({ name: PAYLOADS[1]!, rounds: 1 })
    await node.upload({ task: await node.task(1), bytes: Buffer.from('update') })
    await world.coordinator.runs.ended(runId as never)
    for (const payload of PAYLOADS) await world.run({ name: payload.slice(0, 100) })
  })
  afterAll(() => world.close())

  it('SEC-T14: say that they are data, are not guessed at, and could run nothing as a page', async () => {
    let seen = 0
    for (const route of ROUTES) {
      const path = route.path.replace(':id', runId).replace(':hash', 'ab'.repeat(32))
      const init = route.method === 'get' ? {} : { body: '{}' }
      if (/sign-out|password/.test(path)) continue
      const { headers, text } = await world.call([route.method.toUpperCase(), path], init)
      const type = headers.get('content-type') ?? ''
      expect([nameOf(route), type]).toEqual([
        nameOf(route),
        expect.stringMatching(
          /^(application\/json|application\/octet-stream|text\/plain)/,
        ) as string,
      ])
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      const policy = headers.get('content-security-policy') ?? ''
      expect(policy).toMatch(/default-src '(self|none)'/)
      expect(policy).not.toMatch(/script-src[^;]*'unsafe-(inline|eval)'/)
      expect(policy).toMatch(/object-src 'none'|default-src 'none'/)
      expect(headers.get('x-powered-by')).toBeNull()
      if (type.startsWith('application/json')) JSON.parse(text)
      seen += 1
    }
    expect(seen).toBeGreaterThan(25)
  })
  it('SEC-T14: errors that repeat what was asked are data too', async () => {
    for (const payload of PAYLOADS) {
      const { headers, status } = await world.call([
        'GET',
        `/api/runs/${encodeURIComponent(payload)}`,
      ])
      expect([400, 404]).toContain(status)
      expect(headers.get('content-type')).toMatch(/^application\/json/)
      expect(headers.get('x-content-type-options')).toBe('nosniff')
    }
  })
  it('SEC-T14: any other address is the same page, which repeats nothing of it', async () => {
    const page = await world.call(['GET', '/'])
    for (const payload of PAYLOADS) {
      const { headers, text } = await world.call(['GET', `/${encodeURIComponent(payload)}`])
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('content-security-policy')).toMatch(/default-src 'none'/)
      if (headers.get('content-type')?.startsWith('text/html') === true)
        expect(text).toBe(page.text)
      else expect(headers.get('content-type')).toMatch(/^application\/json/)
    }
  })
})

describe('SEC-T14: reports of runs', () => {
  let directory: string
  const pages = new Map<string, string>()
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tributary-pages-'))
    const file = createRequire(import.meta.url).resolve('echarts/dist/echarts.common.min.js')
    const echarts = await readFile(file, 'utf8')
    for (const [i, payload] of PAYLOADS.entries()) {
      const records = [
        hostile(payload),
        { ...hostile(`${payload}.`), runId: 'run-000000000000' as RunId },
      ]
      pages.set(payload, compareReport(records, { echarts }))
      await writeFile(join(directory, `${i}.html`), pages.get(payload)!)
    }
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  it(`SEC-T14: hold none of ${PAYLOADS.length} texts as it is, in no field`, () => {
    expect(PAYLOADS.length).toBeGreaterThanOrEqual(30)
    for (const [payload, page] of pages) {
      if (payload.includes(OWNED)) expect(page).toContain(OWNED) // it is shown
      if (payload.includes('<')) expect([payload, page.includes(payload)]).toEqual([payload, false])
      // Nothing of the page's own looks like this either.
      expect(page.match(/<script/g)?.length).toBe(
        pages.get(PAYLOADS[0]!)!.match(/<script/g)?.length,
      )
    }
  })
  /** The page as a browser leaves it, with the marks of what ran. */
  const opened = (files: readonly string[]): readonly string[] =>
    files.map((file) => {
      const { stdout, status } = spawnSync(
        findChromium() ?? '',
        [
          ...['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
          ...[`--user-data-dir=${join(directory, 'profile')}`, '--virtual-time-budget=2000'],
          ...['--allow-file-access-from-files', '--dump-dom', pathToFileURL(file).href],
        ],
        { encoding: 'utf8', maxBuffer: 2 ** 28, timeout: 120_000 },
      )
      expect(status).toBe(0)
      return stdout
    })
  it.skipIf(!hasChromium && !mustHaveChromium)(
    'SEC-T14: run nothing in Chromium (skipped where none is installed)',
    async () => {
      // All in one page, each report in a frame of its own: starting the browser takes longest.
      const frames = PAYLOADS.map((_, i) => `<iframe src="${i}.html"></iframe>`).join('\n')
      const watch = `addEventListener('load', () => { for (const frame of document.querySelectorAll('iframe')) {
        const root = frame.contentDocument && frame.contentDocument.documentElement
        const how = !root ? 'unseen' : root.hasAttribute('${OWNED}') ? 'owned' : root.textContent.length > 1000 ? 'quiet' : 'empty'
        frame.setAttribute('data-result', how) } })`
      const page = (body: string): string => `<!doctype html><body>${body}<script>${watch}</script>`
      const all = join(directory, 'all.html')
      await writeFile(all, page(frames))
      // That the watching works: the same payload, not escaped.
      await writeFile(join(directory, 'bad.html'), `<p>${'x'.repeat(2000)}${PAYLOADS[0]}`)
      const bad = join(directory, 'control.html')
      await writeFile(bad, page('<iframe src="bad.html"></iframe>'))
      const [seen = '', control = ''] = opened([all, bad])
      const results = (dom: string): readonly string[] =>
        [...dom.matchAll(/<iframe[^>]*data-result="(\w+)"/g)].map(([, how = '']) => how)
      expect(results(control)).toEqual(['owned'])
      expect(results(seen)).toEqual(PAYLOADS.map(() => 'quiet'))
    },
  )
})
