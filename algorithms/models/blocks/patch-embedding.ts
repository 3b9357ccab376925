import { dense } from '#algorithms/tensor/ops.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { FederationError } from '#protocol/errors.js'
import { imageShape, shapeText, type BlockMaker } from './block-maker.js'

interface PatchOptions {
  /** Height and width of a patch; divides the image's. */
  readonly patchSize: number
  /** Channels of a token. */
  readonly width: number
}

/**
 * Images to tokens [1 + patches, width]: a class token, then the patches row by row, each projected by `kernel` and `bias`;
 * then `pos` is added to each. Patches lie side by side, so the convolution is a rearrangement and one product of matrices,
 * which every backend does fast in both directions.
 */
export const patchEmbedding = (name: string, { patchSize, width }: PatchOptions): BlockMaker => {
  return (inputShape) => {
    const [height, imageWidth, channels] = imageShape(name, inputShape)
    if (height % patchSize !== 0 || imageWidth % patchSize !== 0) {
      throw new FederationError(
        'model/does-not-fit',
        `Block ${name} cuts images into patches of ${patchSize}x${patchSize}, got inputs of shape ${shapeText(inputShape)}`,
      )
    }
    const [rows, columns] = [height / patchSize, imageWidth / patchSize]
    const patches = rows * columns
    const inputs = patchSize * patchSize * channels

    const cut = (x: Tensor): Tensor => {
      const grid = tf.reshape(x, [-1, rows, patchSize, columns, patchSize * channels])
      return tf.reshape(tf.transpose(grid, [0, 1, 3, 2, 4]), [-1, patches, inputs])
    }
    return {
      name,
      params: [
        { name: 'kernel', shape: [patchSize, patchSize, channels, width], init: 'lecun-normal' },
        { name: 'bias', shape: [width], init: 'zeros' },
        { name: 'cls', shape: [width], init: 'zeros' },
        { name: 'pos', shape: [1 + patches, width], init: 'position' },
      ],
      inputShape,
      outputShape: [1 + patches, width],
      sites: [{ id: name, channels: width, fold: { scale: 'kernel', shift: 'bias' } }],
      forward: ([kernel, bias, cls, pos], x, adapt) => {
        const tokens = adapt(0, dense(cut(x), tf.reshape(kernel!, [inputs, width]), bias))
        return tf.add(withClassToken(tokens), withFirstRow(pos!, cls!))
      },
    }
  }
}

/** Room for the class token, whose values come with the positions. */
const withClassToken = (tokens: Tensor): Tensor =>
  tf.pad(tokens, [
    [0, 0],
    [1, 0],
    [0, 0],
  ])

/** The positions, with the class token added to the first. */
const withFirstRow = (pos: Tensor, cls: Tensor): Tensor =>
  tf.add(
    pos,
    tf.pad(tf.expandDims(cls, 0), [
      [0, pos.shape[0] - 1],
      [0, 0],
    ]),
  )
