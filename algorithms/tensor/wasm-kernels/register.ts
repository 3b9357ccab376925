import { Conv2DBackpropFilter, getKernel } from '@tensorflow/tfjs-core'
import { installConvolutionGradients } from './conv-backprop.js'
import { installDepthwiseGradients } from './depthwise-backprop.js'
import { installIdentity } from './identity.js'
import { installMatMul } from './mat-mul.js'
import { installPoolGradients } from './pool-backprop.js'
import { installSegmentSum } from './segment-sum.js'
import { installSum } from './sum.js'

/**
 * Gives the WebAssembly backend the kernels that training needs and it lacks, and puts faster ones in the place of its
 * slow ones. Call after importing the backend and before making it current. Idempotent.
 */
export function registerWasmKernels(): void {
  if (getKernel(Conv2DBackpropFilter, 'wasm') !== undefined) return
  installIdentity()
  // Its product has one row; the plain kernel is right for that, so it takes it before the next line replaces it.
  installSum()
  installMatMul()
  installConvolutionGradients()
  installDepthwiseGradients()
  installPoolGradients()
  installSegmentSum()
}
