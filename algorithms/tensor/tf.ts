/**
 * The only door to TensorFlow.js. Everyone takes `tf` and its types from here, so that one copy is loaded and backends
 * register themselves before the first tensor is made.
 */
export * as tf from '@tensorflow/tfjs-core'
export type { Tensor, Tensor1D, Tensor2D, Tensor4D, TensorLike } from '@tensorflow/tfjs-core'
