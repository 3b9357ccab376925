import { join } from 'node:path'
import Database from 'libsql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { endAll, invite, startCoordinator, temporaryDirectory, tributary } from './harness.js'

describe('tributary log', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>
  let dataDir: string
  beforeAll(async () => {
    directory = await temporaryDirectory()
  })
  afterAll(async () => {
    await endAll()
    await directory.remove()
  })
  const log = (...args: readonly string[]) => tributary(['log', ...args, '--data-dir', dataDir])

  it('asks the coordinator while it runs, and reads the data directory when it does not', async () => {
    const coordinator = await startCoordinator(directory.path)
    ;({ dataDir } = coordinator)
    await invite(coordinator)
    const running = await log('verify')
    expect([running.status, running.result['entries']]).toEqual([0, 3])
    const { lines } = await log('show', '--last', '2')
    expect(lines.map((line) => [line['phase'], line['action'], line['actor']])).toEqual([
      ['intent', 'node.invite', 'operator'],
      ['done', 'node.invite', 'operator'],
      [undefined, undefined, undefined],
    ])
    await coordinator.running.kill('SIGTERM')
    const stopped = await log('verify')
    expect([stopped.status, stopped.result['head']]).toEqual([0, running.result['head']])
    const head = running.result['head'] as string
    expect((await log('verify', '--head', head)).status).toBe(0)
    const other = await log('verify', '--head', '0'.repeat(64))
    expect([other.status, other.result['code']]).toEqual([1, 'log/broken'])
  })
  it('fails with status 1 and the number of the entry that was altered', async () => {
    const database = new Database(join(dataDir, 'tributary.db'))
    database.exec(`UPDATE audit SET body = json_set(body, '$.actor', 'user:eve') WHERE seq = 2`)
    database.close()
    const { status, result } = await log('verify')
    expect([status, result['code'], result['message']]).toEqual([
      ...[1, 'log/broken', 'Entry 2: it was altered'],
    ])
    const shown = await log('show')
    expect(shown.status).toBe(0)
  })
})
