import { describe, expect, it } from 'vitest'
import { createStreams } from '#protocol/random.js'
import { meanSquaredError, psnr, PSNR_CAP, relativeError } from './pictures.js'
import { ssim } from './ssim.js'

/** A picture by a formula, so that another program can draw it as well. */
const picture = (size: number, factor: number, modulus: number): Float32Array =>
  Float32Array.from({ length: size }, (_, i) => ((i * factor) % modulus) / (modulus - 1))
const random = (size: number, seed: number): Float32Array => {
  const stream = createStreams(seed)('test', 0, 0)
  return Float32Array.from({ length: size }, () => stream.uniform())
}

describe('distances of pictures', () => {
  it('A10: PSNR of a picture and itself is the cap, and PSNR is symmetric', () => {
    const [a, b] = [random(64, 1), random(64, 2)]
    expect(psnr(a, a)).toBe(PSNR_CAP)
    expect(psnr(a, b)).toBe(psnr(b, a))
    expect(psnr(a, b)).toBeLessThan(20)
  })

  it('A10: SSIM of a picture and itself is 1, it is symmetric and within [−1, 1]', () => {
    for (const shape of [
      [16, 16, 1],
      [12, 11, 3],
      [8, 9, 2],
      [4, 4, 1],
      [1, 1, 1],
    ]) {
      const size = shape.reduce((all, one) => all * one, 1)
      for (let seed = 0; seed < 8; seed++) {
        const [a, b] = [random(size, seed), random(size, seed + 100)]
        const inverted = a.map((value) => 1 - value)
        expect(ssim(a, a, shape)).toBeCloseTo(1, 12)
        expect(ssim(a, b, shape)).toBeCloseTo(ssim(b, a, shape), 12)
        for (const value of [ssim(a, b, shape), ssim(a, inverted, shape)]) {
          expect(value).toBeGreaterThanOrEqual(-1)
          expect(value).toBeLessThanOrEqual(1)
        }
      }
    }
  })

  // Computed by a program of its own, straight from the definitions.
  it.each([
    [[16, 16, 1], 0.1924653221994589, 7.042849917603274],
    [[28, 20, 3], 0.1470083522391249, 7.04127959676187],
    [[8, 9, 1], -0.009362717537502797, 7.292564837625531],
    [[5, 6, 2], -0.06400537760630767, 6.874720040114344],
  ])('SSIM and PSNR of known pictures %j', (shape, structural, peak) => {
    const size = shape.reduce((all, one) => all * one, 1)
    const [a, b] = [picture(size, 7, 11), picture(size, 5, 13)]
    expect(ssim(a, b, shape)).toBeCloseTo(structural, 6)
    expect(psnr(a, b)).toBeCloseTo(peak, 5)
  })

  it('what is outside of [0, 1] is clamped first', () => {
    expect(meanSquaredError(Float32Array.of(-3, 7), Float32Array.of(0, 1))).toBe(0)
    expect(psnr(Float32Array.of(-3, 7), Float32Array.of(0, 0.5))).toBeCloseTo(9.0309, 4)
  })

  it('a difference too small for the cap is the cap', () => {
    expect(psnr(Float32Array.of(1e-10), Float32Array.of(0))).toBe(PSNR_CAP)
  })

  it('the relative error is that of the whole picture', () => {
    expect(relativeError(Float32Array.of(3, 5), Float32Array.of(3, 4))).toBeCloseTo(0.2, 12)
    expect(relativeError(Float32Array.of(0, 2), Float32Array.of(0, 0))).toBe(2)
  })
})
