import type { Model } from '#algorithms/models/model.js'
import { product } from './blocks/block-maker.js'

/** One line of `models inspect`. */
export interface BlockRow {
  readonly block: string
  /** Without the batch dimension. */
  readonly outputShape: readonly number[]
  readonly params: number
}

export function describeModel(model: Model): readonly BlockRow[] {
  return model.blocks.map((block) => ({
    block: block.name,
    outputShape: block.outputShape,
    params: block.params.reduce((total, spec) => total + product(spec.shape), 0),
  }))
}
