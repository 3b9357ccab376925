import { avgPool, globalAvgPool, maxPool } from '#algorithms/tensor/ops.js'
import { FederationError } from '#protocol/errors.js'
import { imageShape, shapeText, type BlockMaker } from './block-maker.js'

const SIZE = 2

/** 2x2 pooling with stride 2. An odd last row or column is dropped. */
export const pool = (name: string, kind: 'max' | 'average'): BlockMaker => {
  const op = kind === 'max' ? maxPool : avgPool
  return (inputShape) => {
    const [height, width, channels] = imageShape(name, inputShape)
    if (height < SIZE || width < SIZE) {
      throw new FederationError(
        'model/does-not-fit',
        `Block ${name} needs images of at least ${SIZE}x${SIZE}, got inputs of shape ${shapeText(inputShape)}`,
      )
    }
    return {
      name,
      params: [],
      layer: {
        className: kind === 'max' ? 'MaxPooling2D' : 'AveragePooling2D',
        config: {
          ...{ pool_size: [SIZE, SIZE], strides: [SIZE, SIZE], padding: 'valid' },
          data_format: 'channels_last',
        },
      },
      sites: [],
      inputShape,
      outputShape: [Math.floor(height / SIZE), Math.floor(width / SIZE), channels],
      forward: (_params, x) => op(x, SIZE),
    }
  }
}

/** Images to the mean of each channel [channels]. */
export const globalPool = (name: string): BlockMaker => {
  return (inputShape) => {
    const [, , channels] = imageShape(name, inputShape)
    return {
      name,
      params: [],
      layer: {
        className: 'GlobalAveragePooling2D',
        config: { data_format: 'channels_last' },
      },
      sites: [],
      inputShape,
      outputShape: [channels],
      forward: (_params, x) => globalAvgPool(x),
    }
  }
}
