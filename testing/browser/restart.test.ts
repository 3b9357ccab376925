import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { VIEWER } from '../dashboard/people.js'
import { isWithoutBrowser, Lab } from './lab.js'
import { joinTiny, tinyRun } from './tiny.js'
import { soon, type Visit } from './visit.js'

interface Told {
  readonly runId: string
  readonly events: readonly { readonly seq: number; readonly type: string }[]
}
const EVENTS = /^42\/ui,\d*(\["ui:events",.*)$/s

describe.skipIf(isWithoutBrowser)('a coordinator that is killed while a page is open', () => {
  let lab: Lab
  let visit: Visit
  let runId: string
  /** Numbers of the events that the page was told, over all its connections. */
  const told: number[] = []
  const types = new Set<string>()

  beforeAll(async () => {
    lab = await Lab.open()
    await Promise.all([
      joinTiny(lab.federation, 'north', '1/2'),
      joinTiny(lab.federation, 'south', '2/2'),
    ])
    runId = await lab.federation.begin(tinyRun('Across a death', { rounds: 25 }))
    visit = await lab.visit(VIEWER)
    visit.page.on('websocket', (socket) =>
      socket.on('framereceived', ({ payload }) => {
        const [, message] = EVENTS.exec(String(payload)) ?? []
        if (message === undefined) return
        const [, { events }] = JSON.parse(message) as [string, Told]
        for (const { seq, type } of events) {
          told.push(seq)
          types.add(type)
        }
      }),
    )
  })
  afterAll(() => lab.close())

  it('comes back by itself, and has missed nothing and heard nothing twice', async () => {
    const { page, problems } = visit
    await page.goto(`${lab.url}/runs/${runId}`)
    await page.getByRole('heading', { name: 'Across a death' }).waitFor()
    await page.evaluate('globalThis.isTheSamePage = true')
    await soon(() => told.length).toBeGreaterThan(10)
    const before = told.length

    await lab.federation.kill('SIGKILL')
    const connection = page.getByRole('navigation', { name: 'Main' }).getByRole('status')
    await connection.getByText('Reconnecting').or(page.getByText('Reconnecting')).first().waitFor()
    await lab.federation.start()
    await page.getByText('Live', { exact: true }).first().waitFor()
    await lab.federation.ended(runId)
    await soon(() => types.has('run:finished')).toBe(true)
    await page.getByRole('main').getByText('Finished').first().waitFor()

    expect(told.length).toBeGreaterThan(before)
    expect(told).toEqual(Array.from(told, (_, i) => told[0]! + i))
    expect(await page.evaluate('globalThis.isTheSamePage')).toBe(true)
    expect(problems).toEqual([])
  })
})
