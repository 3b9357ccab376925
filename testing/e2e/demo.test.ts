import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { readFile } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { endAll, temporaryDirectory, tributary } from './harness.js'

describe('tributary demo', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>
  beforeAll(async () => {
    directory = await temporaryDirectory()
  })
  afterEach(endAll)
  afterAll(() => directory.remove())

  it('trains MNIST to 95 % on a coordinator and four node processes, and its replay has the same bytes', async () => {
    const target = join(directory.path, 'demo')
    const demo = await tributary(['demo', '--dir', target], { cwd: directory.path })
    expect(demo.errorText).toBe('')
    expect(demo.status).toBe(0)
    expect(demo.result).toMatchObject({
      event: 'demo:finished',
      modelHash: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    })
    expect(demo.result['accuracy']).toBeGreaterThanOrEqual(0.95)
    expect(demo.result['accuracyBefore']).toBeLessThan(0.3)
    for (const key of ['rounds', 'seconds', 'bytesUp', 'bytesDown'])
      expect(demo.result[key]).toBeGreaterThan(0)
    const model = await readFile(String(demo.result['model']))
    expect(createHash('sha256').update(model).digest('hex')).toBe(demo.result['modelHash'])

    const replay = await tributary(
      ['simulate', '--replay', String(demo.result['record']), '--workers', '2'],
      { cwd: directory.path },
    )
    expect(replay.status).toBe(0)
    expect(replay.result).toMatchObject({
      event: 'simulate:finished',
      modelHash: demo.result['modelHash'],
      same: true,
    })

    const scored = await tributary(
      ['models', 'evaluate', String(demo.result['model']), '--data', 'mnist'],
      { cwd: directory.path },
    )
    expect(scored.result).toMatchObject({
      event: 'models:evaluate:finished',
      accuracy: demo.result['accuracy'],
    })
  })
})
