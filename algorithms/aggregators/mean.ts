/**
 * Weighted mean, exact: elements become integers on the run's grid, so that neither the order of arrival nor the grouping
 * into partial sums changes a single bit.
 *
 * Paper: H. B. McMahan et al., "Communication-Efficient Learning of Deep Networks from Decentralized Data", AISTATS 2017,
 *   https://arxiv.org/abs/1602.05629
 * Rule:  mean = Σ w_k · round(v_k · 2^bits) / (2^bits · Σ w_k)
 * Symbols: w_k = `weight`, v_k = one tensor of `add`, Σ w_k = `totalWeight`
 * Costs: 8 bytes per element on the coordinator, whatever the cohort's size; rounding at most 2^-(bits+1) per element.
 */
import { createGroupSum } from './fixed-point.js'
import type { Aggregator } from './aggregator.js'

export const mean: Aggregator = {
  name: 'mean',
  buffersUpdates: false,
  start(group) {
    const sums = createGroupSum(group)
    return {
      ...sums,
      finish() {
        const totals = sums.finish()
        for (const values of Object.values(totals.tensors)) divide(values, totals.totalWeight)
        return totals
      },
    }
  },
}

function divide(values: Float64Array, by: number): void {
  for (let i = 0; i < values.length; i++) values[i] = values[i]! / by
}
