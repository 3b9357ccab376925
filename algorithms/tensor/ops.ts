/**
 * The ops that models are built from. All are exact at first and second order on every backend (see `gradients/`), which the
 * audit relies on. Anything of `tf` that is not here may throw, or lose a part of the derivative, when differentiated twice.
 */
export { elu, exp, gelu, leakyRelu, relu, sigmoid, softplus, tanh } from './ops/activations.js'
export { attention } from './ops/attention.js'
export { conv2d, depthwiseConv2d, type ConvOptions, type Padding } from './ops/conv.js'
export { dense } from './ops/dense.js'
export { groupNorm, layerNorm } from './ops/norm.js'
export { avgPool, globalAvgPool, maxPool } from './ops/pool.js'
export { crossEntropy, logSoftmax, logSumExp, softmax } from './ops/softmax.js'
export { unitVectors } from './ops/unit.js'
