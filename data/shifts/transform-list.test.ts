import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createStreams } from '#protocol/random.js'
import { parseShift } from './shift.js'
import { TRANSFORMS } from './transform-list.js'

/** What a step makes of a row of three values. */
function changed(step: string, row: readonly number[]): number[] {
  const [domain] = parseShift(`mixed:${step}`).domains
  const values = Float32Array.from(row)
  for (const { transform, parameter } of domain!.steps) {
    transform.prepare(parameter, [3])(values, () => createStreams(1)('s', 0, 0))
  }
  return [...values]
}

describe('the list of transforms', () => {
  it('holds every file of the folder, by name', () => {
    const files = readdirSync(new URL('.', import.meta.url))
      .filter((name) => !name.endsWith('.test.ts') && !/^(transform|shift)/.test(name))
      .map((name) => name.replace('.ts', ''))
    expect(TRANSFORMS.map(({ name }) => name).sort()).toEqual(files.sort())
  })

  it.each(TRANSFORMS.map((one) => [one.name, one] as const))(
    'describes %s with its own name and parameter',
    (name, { usage, parameter }) => {
      expect(usage).toBe(parameter === null ? name : `${name}=${parameter.label}`)
    },
  )
})

describe('transforms of single values', () => {
  it.each([
    // 0.5 + 0.5 (x − 0.5) of 0, 0.25, 2.
    ['contrast=0.5', [0.25, 0.375, 1.25]],
    ['brightness=0.75', [0.75, 1, 2.75]],
    ['offset=-0.25', [-0.25, 0, 1.75]],
    ['scale=-1.5', [-0, -0.375, -3]],
    ['invert', [1, 0.75, -1]],
    ['noise=0', [0, 0.25, 2]],
    // Steps go from left to right: first doubled, then inverted.
    ['scale=2+invert', [1, 0.5, -3]],
    ['invert+scale=2', [2, 1.5, -2]],
  ])('%s does what it says, without clipping', (step, expected) => {
    expect(changed(step, [0, 0.25, 2])).toEqual(expected)
  })

  it('add noise of the standard deviation asked for', () => {
    const values = new Float32Array(20_000)
    const noise = TRANSFORMS.find(({ name }) => name === 'noise')!
    noise.prepare(0.5, [20_000])(values, () => createStreams(3)('noise', 0, 0))
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
    // Standard errors: 0.5 / √20,000 ≈ 0.0035 of the mean, 0.25 √(2 / 20,000) = 0.0025 of the variance.
    expect(Math.abs(mean)).toBeLessThan(0.015)
    expect(Math.abs(variance - 0.25)).toBeLessThan(0.01)
  })
})
