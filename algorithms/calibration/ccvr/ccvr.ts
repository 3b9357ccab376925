/**
 * CCVR: after training, every client tells once, for each class, count, mean and covariance of the features that the released
 * extractor makes of its examples; the coordinator combines them exactly, draws virtual features from a normal distribution
 * for each class, and trains the head alone on these.
 *
 * Paper: M. Luo, F. Chen, D. Hu, Y. Zhang, J. Liang, J. Feng, "No Fear of Heterogeneity: Classifier Calibration for Federated
 *   Learning with Non-IID Data", NeurIPS 2021, https://arxiv.org/abs/2106.05001
 * Rule:  client k, class c:  n_ck, μ_ck, S_ck = Σ (z − μ_ck)(z − μ_ck)ᵀ  of  z = extractor(x)
 *        server:  N_c = Σ n_ck,  μ_c = Σ n_ck μ_ck / N_c,  Σ_c = (Σ S_ck + Σ n_ck (μ_ck − μ_c)(μ_ck − μ_c)ᵀ) / (N_c − 1)
 *                 z ~ N(μ_c, Σ_c);  head ← SGD on the cross-entropy of head(z), from the trained head
 * Symbols: n, μ, S = tensors `counts`, `means`, `scatters` of group `moments`; d = width of the features; C = classes
 * Costs: one extra round. Up per client and class it holds: 1 + d + d(d + 1)/2 numbers (full). Server: d³/3 per class to
 *   factor, M d² to sample, epochs · C · M · d · C to train the head.
 */
import type { Calibration } from '#algorithms/calibration/calibration.js'
import { ccvrClient } from './client.js'
import { ccvrHyper, type CcvrHyper } from './hyper.js'
import { ccvrReasons } from './reasons.js'
import { ccvrServer } from './server.js'

export const ccvr: Calibration<CcvrHyper> = {
  name: 'ccvr',
  hyper: ccvrHyper,
  reveals: {
    classes: [],
    text: 'For each class it holds, every client tells how many examples it has, and mean and covariance of their features: the counts are its label histogram, and the mean of a class with one example is the feature of that example. calibration.minCount leaves out small classes, calibration.covMode=diag tells variances only, and calibration.statistics=sums-two-rounds lets only sums over all clients be used.',
  },
  requires: (config, model, hyper) => ccvrReasons({ config, model, hyper }),
  server: ccvrServer,
  client: ccvrClient,
}
