import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { endAll, temporaryDirectory, tributary, type Finished } from './harness.js'

interface Measure {
  readonly key: string
  readonly value: number | null
  readonly met: boolean | null
}
const valuesOf = ({ result }: Finished): Readonly<Record<string, number | null>> =>
  Object.fromEntries(
    (result['measures'] as readonly Measure[]).map(({ key, value }) => [key, value]),
  )

/** Counts and memory, at sizes of seconds; no time that anything took. */
describe('tributary benchmark with load', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>
  const run = (...args: readonly string[]) =>
    tributary(['benchmark', ...args, '--out', 'load'], { cwd: directory.path })
  beforeAll(async () => {
    directory = await temporaryDirectory()
  })
  afterEach(endAll)
  afterAll(() => directory.remove())

  it('connect: everyone is there until the end, and a page says so', async () => {
    const done = await run('connect', '--nodes', '40', '--rate', '40', '--seconds', '1')
    expect(done.errorText).toBe('')
    expect(done.status).toBe(0)
    expect(done.result).toMatchObject({ event: 'benchmark:finished', problems: {} })
    expect(valuesOf(done)).toMatchObject({ connected: 40, lost: 0, refused: 0 })
    const page = await readFile(join(directory.path, 'load.md'), 'utf8')
    expect(page).toContain('`tributary benchmark connect --nodes 40 --rate 40 --seconds 1`')
    expect(page).not.toContain(directory.path)
    expect((await readdir(join(directory.path, 'load'))).toSorted()).toEqual([
      ...['connect-1-answers.csv', 'connect-1-connections.csv', 'connect-1-processes.csv'],
      'connect-1.json',
    ])
  })

  it('ingest: a hundred updates of 4 MB are counted, and the coordinator never holds them all', async () => {
    const done = await run(
      ...['ingest', '--nodes', '50', '--rate', '50', '--waves', '2', '--bytes', '4000000'],
    )
    expect(done.errorText).toBe('')
    expect(done.result).toMatchObject({ problems: {} })
    const values = valuesOf(done)
    expect(values).toMatchObject({ sent: 100, acknowledged: 100, counted: 100 })
    // L4: at most base + 256 MB + 3·d·8 B + 20 KB a connection; a wave that was held would be 200 MB more.
    expect(values['peakOverBound']).toBeLessThanOrEqual(1)
    const rows = (await readFile(join(directory.path, 'load/ingest-1-wave-1.csv'), 'utf8')).trim()
    expect(rows.split('\n')).toHaveLength(51)
  })

  it('storm: everyone is back after a kill, and every task still counts', async () => {
    const done = await run('storm', '--nodes', '40', '--rate', '40', '--seconds', '60')
    expect(done.errorText).toBe('')
    expect(done.result).toMatchObject({ problems: {} })
    expect(valuesOf(done)).toMatchObject({ back: 40, refused: 0, lostLeases: 0 })
  })

  it('slowloris: honest nodes finish every round while others hold what they can', async () => {
    const attack = ['--half-open', '100', '--silent', '50', '--stalled', '5', '--seconds', '1']
    const done = await run('slowloris', '--nodes', '3', '--bytes', '20000', ...attack)
    expect(done.errorText).toBe('')
    expect(done.result).toMatchObject({ problems: {} })
    const values = valuesOf(done)
    expect(values).toMatchObject({ counted: 1, begun: 5 })
    expect(values['held']).toBeGreaterThan(0)
    expect(values['descriptorsLeft']).toBeLessThanOrEqual(20)
  })

  it('refuses what is no number, and says what there is', async () => {
    const wrong = await run('ingest', '--nodes', 'many')
    expect(wrong.status).toBe(2)
    expect(wrong.result).toMatchObject({ event: 'error', code: 'usage/bad-value' })
    const { result } = await tributary(['benchmark'])
    expect(result['benchmarks']).toContainEqual(expect.objectContaining({ name: 'storm' }))
  })
})
