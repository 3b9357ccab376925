import { tf, type Tensor, type Tensor4D } from '#algorithms/tensor/tf.js'

/** valid: no padding. same: the output has ceil(size / stride) rows and columns. Or zeros on every side: [rows, columns]. */
export type Padding = 'valid' | 'same' | readonly [rows: number, columns: number]
export interface ConvOptions {
  readonly padding?: Padding
  readonly stride?: number
}

/** x [batch, height, width, in] with kernel [height, width, in, out] → [batch, height', width', out]. Cross-correlation, no bias. */
export function conv2d(
  x: Tensor,
  kernel: Tensor,
  { padding = 'valid', stride = 1 }: ConvOptions = {},
): Tensor {
  const { input, mode } = padded(x, padding)
  return tf.conv2d(input as Tensor4D, kernel as Tensor4D, stride, mode)
}

/** x [batch, height, width, in] with kernel [height, width, in, multiplier] → [batch, height', width', in · multiplier]. */
export function depthwiseConv2d(
  x: Tensor,
  kernel: Tensor,
  { padding = 'valid', stride = 1 }: ConvOptions = {},
): Tensor {
  const { input, mode } = padded(x, padding)
  return tf.depthwiseConv2d(input as Tensor4D, kernel as Tensor4D, stride, mode)
}

/** libtensorflow knows 'valid' and 'same' only, so numbers become an op of their own. */
function padded(x: Tensor, padding: Padding): { input: Tensor; mode: 'valid' | 'same' } {
  if (typeof padding === 'string') return { input: x, mode: padding }
  const [rows, columns] = padding
  return {
    input: tf.pad(x, [
      [0, 0],
      [rows, rows],
      [columns, columns],
      [0, 0],
    ]),
    mode: 'valid',
  }
}
