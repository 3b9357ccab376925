import type { Model } from '#algorithms/models/model.js'
import { layoutOf, type ParamLayout } from '#algorithms/models/params.js'

/**
 * A place where a model can be cut in two: behind a layer that learns, with what follows it without learning (pooling,
 * flattening). A layer here is the "block" of the fedd2s specification.
 */
export interface Tap {
  /** Name of the block that learns: what configurations call the cut. The last is the head. */
  readonly name: string
  /** 1 … L, as papers count layers. */
  readonly depth: number
  /** Blocks of the model before the cut. */
  readonly blocks: number
  /** Of the activation at the cut, without the batch dimension. */
  readonly shape: readonly number[]
}

/** The model's taps from shallow to deep; the last, behind the head, has logits. */
export function tapsOf(model: Model): readonly Tap[] {
  const learning = model.blocks.flatMap(({ params }, at) => (params.length > 0 ? [at] : []))
  return learning.map((at, i) => {
    const blocks = learning[i + 1] ?? model.blocks.length
    return {
      name: model.blocks[at]!.name,
      depth: i + 1,
      blocks,
      shape: model.blocks[blocks - 1]!.outputShape,
    }
  })
}

/** Number of the model's params up to a tap. */
const paramsBelow = ({ blocks }: Model, tap: Tap): number =>
  blocks.slice(0, tap.blocks).reduce((count, { params }) => count + params.length, 0)

/** The params above a tap: the last part of the model's flat array. */
export const layoutAbove = (model: Model, tap: Tap): ParamLayout =>
  layoutOf(`${model.name} above ${tap.name}`, model.params.slice(paramsBelow(model, tap)))

/** The params up to a tap: the first part of the model's flat array. */
export const layoutBelow = (model: Model, tap: Tap): ParamLayout =>
  layoutOf(`${model.name} up to ${tap.name}`, model.params.slice(0, paramsBelow(model, tap)))
