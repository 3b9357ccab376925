import type { Block } from '#algorithms/models/model.js'
import { FederationError } from '#protocol/errors.js'

/** A block that still has to learn its input shape. Throws `model/does-not-fit` when the shape cannot enter it. */
export type BlockMaker = (inputShape: readonly number[]) => Block

/** Hands each maker the output shape of the block before it. */
export function chain(
  inputShape: readonly number[],
  makers: readonly BlockMaker[],
): readonly Block[] {
  const blocks: Block[] = []
  let shape = inputShape
  for (const make of makers) {
    const block = make(shape)
    blocks.push(block)
    shape = block.outputShape
  }
  return blocks
}

export const shapeText = (shape: readonly number[]): string => `[${shape.join(', ')}]`

/** The three sizes of an image shape [height, width, channels]. */
export function imageShape(
  block: string,
  shape: readonly number[],
): readonly [number, number, number] {
  const [height, width, channels] = shape
  if (shape.length !== 3 || height === undefined || width === undefined || channels === undefined) {
    throw new FederationError(
      'model/does-not-fit',
      `Block ${block} needs images [height, width, channels], got inputs of shape ${shapeText(shape)}`,
    )
  }
  return [height, width, channels]
}

export const product = (shape: readonly number[]): number =>
  shape.reduce((all, size) => all * size, 1)
