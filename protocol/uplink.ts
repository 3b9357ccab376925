import type { DType } from './bundle.js'

/** What leaves a client, in the words of the node's journal. */
export type PrivacyClass =
  'model-delta' | 'control-variate' | 'statistics' | 'per-example' | 'metrics'

/** A tensor an update must hold. A `null` dimension may differ between clients (rows of features). */
export interface UplinkTensor {
  readonly name: string
  readonly shape: readonly (number | null)[]
  readonly dtype: DType
}

/**
 * The fixed-point grid of a mean or sum: elements become `round(value * 2^bits)`, so that sums are exact integers below
 * 2^53 and do not depend on order or grouping. Elements beyond ±maxAbs are refused.
 */
export interface Grid {
  readonly bits: number
  readonly maxAbs: number
}

/** One named part of an update, and how the coordinator folds it. */
export interface UplinkGroup {
  readonly name: string
  readonly tensors: readonly UplinkTensor[]
  /** mean: weighted mean on the grid. sum: plain sum on the grid. gather: every payload, in slot order. */
  readonly reduce: 'mean' | 'sum' | 'gather'
  /** examples: by the member's weight. uniform: every reporter counts 1. none: for sum and gather. */
  readonly weight: 'examples' | 'uniform' | 'none'
  /** null for gather. */
  readonly grid: Grid | null
  readonly privacyClass: PrivacyClass
  /** Upper bound of the group's payload. For fixed shapes it is their exact size. */
  readonly maxBytes: number
  /**
   * Rows of zeros (first axis, the same for all tensors of the group) are left out, and `group/#rows` int32 comes first and
   * names the rows that are there, ascending. Only for groups whose shapes are fixed.
   */
  readonly sparseRows?: true
  /** The tensors are a client's model delta: the run's update transforms act on them before they leave, and bound them. */
  readonly protected?: true
  /** Travels as few tensors for the whole group, in place of those that are declared. Only of float32 with fixed shapes. */
  readonly packed?: Packing
}

/**
 * How a packed group travels. `group/#places` uint8 comes first where `places` says so: zeros do not travel, and before each
 * number that does it says how many zeros were left out (LEB128), over all tensors of the group as one vector. `group/#values`
 * holds the numbers: float32, or with `bits` uint8 that hold as many bits for each number, from the lowest bit of each byte;
 * then `group/#peaks` float32 before it has the largest absolute value of each tensor, L = 2^(bits − 1) − 1, and a number is
 * (code − L) peak / L.
 */
export interface Packing {
  readonly places?: true
  /** 2 … 16 */
  readonly bits?: number
}

/** Tensor names inside an update bundle are `group/tensor`. */
export const uplinkName = (group: string, tensor: string): string => `${group}/${tensor}`

/** Whole numbers below this are exact in a float64, and so are sums that stay below it. */
export const EXACT_BELOW = 2 ** 53
/** A mean keeps at least this many bits after the point; a configuration that leaves fewer is refused. */
export const FEWEST_MEAN_BITS = 16
/** How large a roster may grow in a run that takes everyone or a fraction of it. */
export const LARGEST_ROSTER = 10_000
