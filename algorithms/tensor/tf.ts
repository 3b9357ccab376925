import { registerClosedGradients } from './gradients/register.js'

// Before anyone can differentiate: with these rules, nested gradients of the ops below are exact.
registerClosedGradients()

/**
 * The only door to TensorFlow.js. Everyone takes `tf` and its types from here, so that one copy is loaded and its gradient
 * rules are complete. Ops are functions (`tf.add(a, b)`): the chained forms (`a.add(b)`) belong to a package we do not load.
 */
export * as tf from '@tensorflow/tfjs-core'
export type { Tensor, Tensor1D, Tensor2D, Tensor4D, TensorLike } from '@tensorflow/tfjs-core'
