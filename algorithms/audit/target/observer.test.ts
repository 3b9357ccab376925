import { beforeAll, describe, expect, it } from 'vitest'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf } from '#algorithms/tensor/tf.js'
import { createProblem, type Distance } from '#algorithms/audit/matching/problem.js'
import { labConfig, labTarget, type LabSpec } from '#testing/audit-target-lab.js'
import type { MatchTarget } from './match-target.js'
import { asGradient, seenDefence, signalOf } from './observer.js'

beforeAll(() => useBackend('wasm'))

interface Look {
  readonly target: MatchTarget
  /** Losses at the true records. */
  readonly cosine: number
  readonly relative: number
}
async function look(spec: LabSpec): Promise<Look> {
  const { target, x, y, dispose } = await labTarget(spec)
  const problem = createProblem(target)
  const at = (distance: Distance) => tf.tidy(() => problem.loss(x, y, distance).dataSync()[0]!)
  const seen = { target, cosine: at('cosine'), relative: at('relative') }
  problem.dispose()
  dispose()
  return seen
}

// In units of the gradient: σ / (η K).
const noise = (deviation: number) => ({ name: 'gaussian-noise', stddev: 0.1 * deviation })

describe('an observer of an update', () => {
  it('sees as many numbers by those of the records', async () => {
    // 60 + 660 + 4 · 13 = 772 numbers, 64 in a record.
    const { target } = await look({ count: 2 })
    expect(target.settings.model.parameterCount).toBe(772)
    expect(target.signal.informationRatio).toBeCloseTo(772 / 128, 2)
    const sparse = await look({ updates: [{ name: 'top-k', fraction: 0.1 }] })
    expect(sparse.target.signal.informationRatio).toBeCloseTo(78 / 64, 1)
  })

  it('knows of no noise where there is none', async () => {
    const { target } = await look({})
    expect(target.floor).toBeNull()
    expect(target.signal).toMatchObject({
      signalToNoise: null,
      deviation: { configured: 0, estimated: 0 },
    })
  })

  it.each([0.01, 0.1])('estimates noise of %d, and the loss that it leaves', async (deviation) => {
    const { target, cosine } = await look({ updates: [noise(deviation)] })
    const { configured, estimated } = target.signal.deviation
    expect(configured).toBeCloseTo(deviation, 6)
    expect(estimated! / deviation).toBeGreaterThan(0.5)
    expect(estimated! / deviation).toBeLessThan(1.6)
    // The estimate enters squared.
    expect(target.floor! / cosine).toBeGreaterThan(0.25)
    expect(target.floor! / cosine).toBeLessThan(3)
    // ‖g‖ / (σ √P)
    const { signalToNoise } = target.signal
    const clean = await look({})
    const expected = clean.target.signal.norm / (deviation * Math.sqrt(772))
    expect(signalToNoise! / expected).toBeCloseTo(1, 2)
  })

  it('knows noise by the settings where numbers were left out after it', async () => {
    const { target } = await look({ updates: [noise(0.1), { name: 'top-k', fraction: 0.5 }] })
    expect(target.signal.deviation).toEqual({
      configured: expect.closeTo(0.1, 5) as number,
      estimated: null,
    })
    expect(target.support).not.toBeNull()
    expect(target.floor).toBeCloseTo(1 - Math.sqrt(1 - (386 * 0.01) / target.signal.norm ** 2), 3)
  })

  it('sees no gaps where noise has filled them', async () => {
    const { target } = await look({ updates: [{ name: 'top-k', fraction: 0.5 }, noise(0.1)] })
    expect(target.support).toBeNull()
  })

  it('expects rounding to leave what it leaves', async () => {
    const { target, cosine } = await look({ updates: [{ name: 'quantize', bits: 4 }] })
    expect(target.floor! / cosine).toBeGreaterThan(0.4)
    expect(target.floor! / cosine).toBeLessThan(2.5)
    expect(target.signal.signalToNoise).toBeNull()
  })

  it('of the mean of four clients sees a quarter of the energy of noise that each draws for itself', async () => {
    const { target, relative } = await look({ count: 4, clients: 4, updates: [noise(0.1)] })
    expect((relative * target.signal.norm ** 2) / (772 * 0.01)).toBeCloseTo(0.25, 1)
    expect(target.signal.deviation.configured).toBeCloseTo(0.05, 6)
  })

  it('takes a clip and noise in units of the gradient', () => {
    const updates = [
      { name: 'clip', norm: 3 },
      { name: 'gaussian-noise', stddev: 0.2 },
    ]
    const seen = seenDefence(labConfig({ updates }), { perUnit: 10, clients: 4 })
    const dense = { isSparse: false, isMaskedFirst: false }
    expect(seen).toEqual({ clipNorm: 30, deviation: 1, ...dense, bits: null })
    expect(seenDefence(labConfig(), { perUnit: 10, clients: 4 })).toEqual({
      ...{ clipNorm: null, deviation: 0, ...dense, bits: null },
    })
  })

  it('A1: tells whether numbers were left out before the clip that decides, or after it', () => {
    const [few, fewer] = [0.1, 0.05].map((fraction) => ({ name: 'top-k', fraction }))
    const [short, long] = [1, 5].map((norm) => ({ name: 'clip', norm }))
    const isFirst = (...updates: NonNullable<LabSpec['updates']>): boolean =>
      seenDefence(labConfig({ updates }), { perUnit: 1, clients: 1 }).isMaskedFirst
    expect([isFirst(few!, short!), isFirst(long!, few!, short!)]).toEqual([true, true])
    expect([isFirst(short!, few!), isFirst(short!, few!, long!), isFirst(few!)]).toEqual([
      false,
      false,
      false,
    ])
    expect(isFirst(few!, short!, fewer!)).toBe(false)
    expect(isFirst(few!, noise(0.1), short!)).toBe(false)
  })

  it('sees the mean of several updates, with the sign turned', () => {
    const [a, b] = [[Float32Array.of(1, 0)], [Float32Array.of(2, 0)]]
    expect(asGradient([a, b], 10)).toEqual([Float32Array.of(-15, 0)])
  })

  it('refuses an update that holds what is no number', async () => {
    const { target } = await look({})
    const raw = target.settings.model.params.map(() => Float32Array.of(Number.NaN))
    const evidence = {
      ...{ model: target.settings.model, updates: [], perUnit: 1, inputs: 64, raw, observed: raw },
      defence: seenDefence(labConfig(), { perUnit: 1, clients: 1 }),
    }
    expect(() => signalOf(evidence)).toThrow(
      expect.objectContaining({ code: 'update/not-finite' }) as Error,
    )
  })

  it('has nothing to match where nothing was sent', async () => {
    const { target } = await look({ optimizer: { learningRate: 1e-30 } })
    expect(target.signal.norm).toBe(0)
  })
})
