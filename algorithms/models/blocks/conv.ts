import type { Activation } from '#algorithms/models/model.js'
import { conv2d } from '#algorithms/tensor/ops.js'
import { tf } from '#algorithms/tensor/tf.js'
import { FederationError } from '#protocol/errors.js'
import { activate, kerasActivation } from './activation.js'
import { imageShape, shapeText, type BlockMaker } from './block-maker.js'

interface ConvOptions {
  readonly channels: number
  /** Height and width of the kernel. */
  readonly kernelSize: number
  /** same: the output is as large as the input. valid: smaller by kernelSize − 1. */
  readonly padding: 'same' | 'valid'
  readonly activation: Activation
}

/** activation(conv2d(x, kernel) + bias) on images, stride 1. */
export const conv = (
  name: string,
  { channels, kernelSize, padding, activation }: ConvOptions,
): BlockMaker => {
  return (inputShape) => {
    const [height, width, inputChannels] = imageShape(name, inputShape)
    const lost = padding === 'same' ? 0 : kernelSize - 1
    if (height <= lost || width <= lost) {
      throw new FederationError(
        'model/does-not-fit',
        `Block ${name} needs images of at least ${kernelSize}x${kernelSize}, got inputs of shape ${shapeText(inputShape)}`,
      )
    }
    return {
      name,
      params: [
        {
          name: 'kernel',
          shape: [kernelSize, kernelSize, inputChannels, channels],
          init: 'he-normal',
        },
        { name: 'bias', shape: [channels], init: 'zeros' },
      ],
      inputShape,
      outputShape: [height - lost, width - lost, channels],
      layer: {
        className: 'Conv2D',
        config: {
          ...{ filters: channels, kernel_size: [kernelSize, kernelSize], strides: [1, 1], padding },
          ...{
            activation: kerasActivation(activation),
            use_bias: true,
            data_format: 'channels_last',
          },
        },
      },
      sites: [{ id: name, channels, fold: { scale: 'kernel', shift: 'bias' } }],
      forward: ([kernel, bias], x, adapt) =>
        activate(adapt(0, tf.add(conv2d(x, kernel!, { padding }), bias!)), activation),
    }
  }
}
