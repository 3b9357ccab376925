/**
 * Top-k: of every tensor of an update only the numbers of largest absolute value stay; the others become zero and do not
 * travel. What is left out is gone: clients keep no residue of it.
 *
 * Paper: A. F. Aji, K. Heafield, "Sparse Communication for Distributed Gradient Descent", EMNLP 2017,
 *   https://arxiv.org/abs/1704.05021
 * Rule:  tensor by tensor:  Δ_i ← Δ_i if |Δ_i| is among the ⌈f n⌉ largest of its n numbers, else 0; of equals the first
 * Symbols: f = `fraction`, Δ = `parts`
 * Costs: sorts every tensor. Up: about 1 byte for the place and 4 for the value of a number that stays (`packed.ts`).
 */
import { z } from 'zod'
import type { UpdateTransform } from './update-transform.js'

const options = z.strictObject({
  fraction: z
    .number()
    .positive()
    .max(1)
    .default(0.1)
    .describe('Share of the numbers of every tensor that stays, at least one; 1: all'),
})

export const topK: UpdateTransform<z.output<typeof options>> = {
  name: 'top-k',
  options,
  apply: (parts, { fraction }) =>
    parts.map((part) => largestFew(part, Math.ceil(fraction * part.length))),
  largestNorm: (before) => before,
  keeps: ({ fraction }) => fraction,
  describe: ({ fraction }) => `only the largest ${percent(fraction)} of each tensor`,
}

const percent = (fraction: number): string => `${Number((100 * fraction).toPrecision(4))} %`

function largestFew(part: Float32Array, count: number): Float32Array {
  if (count >= part.length) return part.slice()
  const threshold = part.map(Math.abs).sort()[part.length - count]!
  let room = count - part.filter((value) => Math.abs(value) > threshold).length
  return part.map((value) => {
    const size = Math.abs(value)
    if (size > threshold) return value
    // Minus zero would travel as zero.
    if (size < threshold || size === 0 || room === 0) return 0
    room -= 1
    return value
  })
}
