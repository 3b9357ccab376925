/**
 * Quantize: every number of a tensor becomes one of a few evenly spaced values between minus and plus the tensor's largest, and
 * travels as a small integer. Rounds to the nearest, so that equal updates stay equal and a run can be replayed; the paper rounds
 * at random, which is unbiased for few bits and lengthens updates more.
 *
 * Paper: J. Konečný, H. B. McMahan, F. X. Yu, P. Richtárik, A. T. Suresh, D. Bacon, "Federated Learning: Strategies for
 *   Improving Communication Efficiency", 2016, https://arxiv.org/abs/1610.05492 (§3, structured as in its equation 4)
 * Rule:  tensor by tensor:  q_i = round(L Δ_i / M),  Δ_i ← q_i M / L,  L = 2^(b−1) − 1,  M = max |Δ_i|
 * Symbols: b = `bits`, M = tensor `#peaks` of the packed group, q = its `#values`
 * Costs: two passes over the update. Up: b bits per number and 4 bytes per tensor (`packed.ts`) instead of 4 bytes per number.
 */
import { z } from 'zod'
import { codeOf, levelsOf, valueOf } from './codes.js'
import { largestOf } from './norm.js'
import type { UpdateTransform } from './update-transform.js'

const options = z.strictObject({
  bits: z
    .int()
    .min(2)
    .max(16)
    .default(8)
    .describe('Bits of every number of an update; 8 is a quarter of the bytes'),
})

export const quantize: UpdateTransform<z.output<typeof options>> = {
  name: 'quantize',
  options,
  last: true,
  apply: (parts, { bits }) => parts.map((part) => quantized(part, bits)),
  // An error is at most half a step, and a number that was not zero at most doubles.
  largestNorm: (before, { bits }, size) =>
    before * Math.min(2, 1 + Math.sqrt(size) / (2 * levelsOf(bits))),
  bits: ({ bits }) => bits,
  describe: ({ bits }) => `rounded to ${bits} bits`,
}

function quantized(part: Float32Array, bits: number): Float32Array {
  const scale = { peak: largestOf(part), bits }
  return part.map((value) => valueOf(codeOf(value, scale), scale))
}
