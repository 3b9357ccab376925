/**
 * Gaussian noise: every number of an update gets noise of its own before it leaves the client, so that nobody who sees the
 * update, the coordinator included, can tell small differences. Averaging over n clients makes it smaller by √n.
 *
 * Paper: K. Wei, J. Li, M. Ding, C. Ma, H. H. Yang, F. Farokhi, S. Jin, T. Q. S. Quek, H. V. Poor, "Federated Learning with
 *   Differential Privacy: Algorithms and Performance Analysis", IEEE TIFS 2020, https://arxiv.org/abs/1911.00222 (noise before
 *   aggregation); rounding against attacks on low bits after I. Mironov, "On Significance of the Least Significant Bits for
 *   Differential Privacy", CCS 2012
 * Rule:  Δ_i ← g · round((Δ_i + σ z_i) / g),  z_i ~ N(0, 1),  g = the largest power of two ≤ σ / 2^16
 * Symbols: σ = `stddev`, Δ = `parts`, z = `stream`
 * The step g is the same whatever the update was: which floating-point numbers can come out tells nothing of what went in.
 * Costs: one normal number per param; no bytes. Compact forms before it (top-k) come to nothing: no number stays zero.
 */
import { z } from 'zod'
import type { Stream } from '#protocol/random.js'
import type { UpdateTransform } from './update-transform.js'

/** Below it steps would be too small to be numbers. */
const SMALLEST = 1e-30

const options = z.strictObject({
  stddev: z
    .number()
    .min(0)
    .refine((stddev) => stddev === 0 || stddev >= SMALLEST, `expected 0, or ${SMALLEST} or more`)
    .default(0.01)
    .describe('Standard deviation of the noise on every number of an update; 0: none'),
})

/** Steps are this many powers of two finer than the noise: what rounding adds to its variance is below 1e-10 of it. */
const FINER = 16
/** The norm of P normal numbers stays below √P + 7 but for a chance of exp(−7² / 2) = 2e-11. */
const DEVIATIONS = 7

export const gaussianNoise: UpdateTransform<z.output<typeof options>> = {
  name: 'gaussian-noise',
  options,
  apply(parts, { stddev }, stream) {
    if (stddev === 0) return parts.map((part) => part.slice())
    const normals = stream()
    return parts.map((part) => noised(part, stddev, normals))
  },
  largestNorm: (before, { stddev }, size) => before + stddev * (Math.sqrt(size) + DEVIATIONS),
  noise: ({ stddev }) => stddev,
  describe: ({ stddev }) => `Gaussian noise of standard deviation ${stddev} on every number`,
}

function noised(part: Float32Array, stddev: number, stream: Stream): Float32Array {
  const step = 2 ** (Math.floor(Math.log2(stddev)) - FINER)
  return part.map((value) => step * Math.round((value + stddev * stream.normal()) / step))
}
