import type { Bundle } from '#protocol/bundle.js'

/**
 * Turns the mean delta of a round into new params. Pure; all sizes equal the params' length.
 * `meanDelta` = mean(local − global) = −pseudo-gradient (Reddi et al., Adaptive Federated Optimization, ICLR 2021).
 */
export interface ServerOptimizer {
  readonly name: string
  /** Tensors kept between rounds (moments), none for plain SGD. */
  init(parameterCount: number): Bundle
  step(
    params: Float32Array,
    meanDelta: Float64Array,
    state: Bundle,
  ): { readonly params: Float32Array; readonly state: Bundle }
}
