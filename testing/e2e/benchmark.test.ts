import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { resolveNative } from '#algorithms/tensor/provision/index.js'
import { endAll, temporaryDirectory, tributary } from './harness.js'

interface Measured {
  readonly engine: { readonly backend: string; readonly threads: number }
  readonly rounds: readonly {
    readonly accuracy: number
    readonly seconds: number
    readonly tensorsBefore: number
    readonly tensorsAfter: number
  }[]
  readonly peakRssBytes: readonly number[]
}
interface Use {
  readonly seconds: number
  readonly peakRssBytes: number
}
interface Step {
  readonly uses?: readonly Use[]
  readonly use?: Use
}
/** Seconds instead of minutes: 20 clients of 30 examples, 3 of them in the one round. */
const SMALL = [
  '--set',
  ...['data.limit=600', 'data.clients=20', 'cohort.size=3', 'rounds=1'],
  'evaluation.central.limit=200',
]

describe('tributary benchmark', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>
  beforeAll(async () => {
    directory = await temporaryDirectory()
  })
  afterEach(endAll)
  afterAll(() => directory.remove())

  const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    tributary(['benchmark', ...args], { cwd: directory.path, env })

  it('lists what there is, and refuses what there is not', async () => {
    const list = await run([])
    expect(list.status).toBe(0)
    expect(list.result).toMatchObject({
      event: 'benchmark:finished',
      benchmarks: [
        { name: 'cnn-backends', backends: ['wasm', 'native'] },
        { name: 'vit-b16', backends: ['native'] },
        { name: 'ccvr', backends: ['wasm'] },
        { name: 'audit', backends: ['wasm', 'native'] },
        ...['connect', 'ingest', 'storm', 'slowloris', 'dashboard'].map((name) => ({
          ...{ name, backends: [] },
        })),
      ],
    })
    const unknown = await run(['nonsense'])
    expect(unknown.status).toBe(2)
    expect(unknown.result).toMatchObject({ event: 'error', code: 'config/unknown-name' })
    expect(unknown.errorText).toContain('cnn-backends, vit-b16, ccvr')
  })

  it.skipIf(resolveNative() === null)(
    'measures the cnn on wasm and native: no tensor left, the same accuracy, and a page of it',
    async () => {
      const page = join(directory.path, 'cnn.md')
      const { status, result, errorText } = await run(['cnn-backends', '--out', page, ...SMALL])
      expect(errorText).toBe('')
      expect(status).toBe(0)
      expect(result).toMatchObject({ event: 'benchmark:finished', benchmark: 'cnn-backends' })
      const measurements = result['measurements'] as readonly Measured[]
      expect(measurements.map(({ engine }) => engine.backend)).toEqual(['wasm', 'native'])
      for (const { engine, rounds, peakRssBytes } of measurements) {
        expect(engine.threads).toBe(1)
        expect(rounds).toHaveLength(1)
        for (const { tensorsBefore, tensorsAfter } of rounds)
          expect(tensorsAfter).toBe(tensorsBefore)
        expect(peakRssBytes).toHaveLength(1)
      }
      const [comparison] = result['comparisons'] as readonly Record<string, number>[]
      expect(comparison).toMatchObject({ backend: 'native', reference: 'wasm' })
      expect(Math.abs(comparison?.['accuracyDifference'] ?? 1)).toBeLessThanOrEqual(0.01)
      expect(comparison?.['roundTimeRatio']).toBeGreaterThan(0)

      const text = await readFile(page, 'utf8')
      expect(text).toContain('# Benchmark cnn-backends')
      expect(text).toContain('| native / wasm |')
      expect(text).toContain('simulations/experiments/mnist-cnn-100-clients.json')
      expect(text).not.toContain(directory.path)
    },
  )

  it('measures a calibration: bytes as the formula says, time and memory, and a page of it', async () => {
    const page = join(directory.path, 'ccvr.md')
    const small = ['--classes', '6', '--features', '16', '--clients', '2', '--out', page]
    const { status, result, errorText } = await run(['ccvr', ...small])
    expect(errorText).toBe('')
    expect(status).toBe(0)
    // 6 · (8 · (1 + 16 + 136) + 4)
    expect(result).toMatchObject({ benchmark: 'ccvr', formulaBytes: 7368 })
    const { clients, merge, close } = result as Readonly<Record<string, Step>>
    expect(clients).toMatchObject({ declaredBytes: 7368, engine: { backend: 'wasm' } })
    for (const use of [...(clients?.uses ?? []), merge?.use, close?.use]) {
      expect(use?.seconds).toBeGreaterThan(0)
      expect(use?.peakRssBytes).toBeGreaterThan(5e7)
    }
    const text = await readFile(page, 'utf8')
    expect(text).toContain('| coordinator: close the round |')
    expect(text).not.toContain(directory.path)
  })

  it('measures the attacks of an audit: iterations per second by model, and a page of it', async () => {
    const page = join(directory.path, 'audit.md')
    const few = ['--models', 'mlp', 'gap', '--iterations', '1', '--out', page]
    const { status, result, errorText } = await run(['audit', ...few])
    expect(errorText).toBe('')
    expect(status).toBe(0)
    expect(result).toMatchObject({
      ...{ benchmark: 'audit', backend: 'wasm' },
      measurements: [
        { setting: { model: 'mlp' }, parameters: 199_210, engine: { backend: 'wasm' } },
        { setting: { model: 'gap' }, parameters: 850 },
      ],
    })
    const text = await readFile(page, 'utf8')
    expect(text).toContain('| attack | mlp | gap |')
    expect(text).toMatch(/\| gifd \| [\d.]+ \| [\d.]+ \|/)
    const unknown = await run(['audit', '--backend', 'abacus'])
    expect(unknown.status).toBe(2)
    expect(unknown.result).toMatchObject({ code: 'usage/bad-value' })
  })

  it('says before anything runs that native is missing', async () => {
    const empty = { TRIBUTARY_NATIVE_DIR: join(directory.path, 'nothing') }
    const { status, lines, result } = await run(['cnn-backends', ...SMALL], empty)
    expect(status).toBe(2)
    expect(result).toMatchObject({ event: 'error', code: 'backend/missing' })
    expect(lines).toHaveLength(1)
  })
})
