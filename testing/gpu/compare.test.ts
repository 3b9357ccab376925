import { describe, expect, it } from 'vitest'
import { tf } from '#algorithms/tensor/tf.js'
import { CASES, type Case } from './cases.js'
import { compareWithCpu, relativeError } from './compare.js'

const made = (name: string, run: Case['run']): Case => ({ kind: 'values', name, run })

describe('the GPU self-test', () => {
  it('measures the largest difference relative to the largest number', () => {
    expect(relativeError(Float32Array.of(1, -8), Float32Array.of(3, -10))).toBeCloseTo(0.2)
    // Below one the difference counts as it is.
    expect(relativeError(Float32Array.of(0.5), Float32Array.of(0.25))).toBe(0.25)
    expect(relativeError(Float32Array.of(NaN, 1), Float32Array.of(1, 1))).toBe(Infinity)
    expect(relativeError(Float32Array.of(1), Float32Array.of(1, 1))).toBe(Infinity)
  })

  it('passes on wasm in every case', async () => {
    const { engine, comparisons } = await compareWithCpu('wasm')
    expect(engine.backend).toBe('wasm')
    expect(comparisons.filter(({ problem }) => problem !== null)).toEqual([])
    expect(comparisons).toHaveLength(CASES.length)
  })

  it('reports wrong numbers and exceptions of the backend', async () => {
    const isCpu = (): boolean => tf.getBackend() === 'cpu'
    const { comparisons } = await compareWithCpu('wasm', [
      made('wrong', async () => Float32Array.of(isCpu() ? 1 : 1.001)),
      made('throws', async () =>
        isCpu() ? Float32Array.of(1) : Promise.reject(new Error('no kernel')),
      ),
    ])
    expect(comparisons.map(({ problem }) => problem)).toEqual(['differs by 1.0e-3', 'no kernel'])
  })
})
