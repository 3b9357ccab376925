import { registerGradient } from '@tensorflow/tfjs-core'
import { convolutionGradients } from './convolution.js'
import { elementWiseGradients } from './element-wise.js'
import { poolingGradients } from './pooling.js'
import { reductionGradients } from './reductions.js'
import { shapeGradients } from './shapes.js'

/**
 * tfjs-core alone comes without gradient rules (they are in the package `@tensorflow/tfjs`, which weighs 200 MB with its
 * dependencies), and those rules differentiate twice only in part: some throw; others, which are written in terms of the
 * op's saved output (exp, sigmoid, tanh, softmax), silently lose a part of the second derivative. So the rules are ours. Each
 * saves inputs and is made of ops that have such rules themselves: the set is closed, and nested gradients are exact on every
 * backend. An op without a rule cannot be differentiated; it says so. Idempotent.
 */
export function registerClosedGradients(): void {
  const rules = [
    ...elementWiseGradients,
    ...reductionGradients,
    ...shapeGradients,
    ...convolutionGradients,
    ...poolingGradients,
  ]
  rules.forEach(registerGradient)
}
