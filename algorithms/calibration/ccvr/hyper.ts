import { z } from 'zod'
import { headOptions } from '#algorithms/calibration/head-options.js'

/** Options of CCVR; defaults of the specification (§12). */
export const ccvrHyper = z.strictObject({
  covMode: z
    .enum(['full', 'diag', 'none', 'low-rank', 'means-only'])
    .default('full')
    .describe(
      'What of each class covariance clients send: full (the paper), diag (variances), low-rank (the strongest directions and the rest as variances), none (means alone), means-only (means alone, and the covariance is estimated from how they differ between clients)',
    ),
  rank: z.int().min(1).max(4096).default(16).describe('Directions kept by covMode low-rank'),
  meansOnlyFloor: z
    .number()
    .min(0)
    .max(1000)
    .default(0.1)
    .describe('Variance added to every feature by covMode means-only'),
  precision: z
    .enum(['float64', 'float32'])
    .default('float64')
    .describe(
      'Numbers on the wire; float32 halves the upload. They are merged in float64 either way',
    ),
  statistics: z
    .enum(['each', 'sums-one-round', 'sums-two-rounds'])
    .default('each')
    .describe(
      'each: moments of every client, merged without loss. sums: every client tells all classes, and only the sums over clients are used, though each still passes through the coordinator; in one round, or in two, which lose less where features lie far from zero. Needs clipNorm',
    ),
  minCount: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(1)
    .describe(
      'A client leaves out classes of which it has fewer examples: a mean of one example is that example',
    ),
  clipNorm: z
    .number()
    .positive()
    .max(1e6)
    .nullable()
    .default(null)
    .describe('Longest feature vector that enters the statistics (L2); longer ones are shortened'),
  transform: z
    .enum(['none', 'tukey-inverse', 'tukey-input'])
    .default('none')
    .describe(
      'Power transform of non-negative features before the moments; inverse: undone after sampling, input: kept, as a part of the model',
    ),
  tukeyPower: z.number().min(0).max(1).default(0.5).describe('Its exponent; 0 is the logarithm'),
  reluVirtual: z
    .boolean()
    .default(false)
    .describe('Virtual features below 0 become 0, as behind a ReLU'),
  samplesPerClass: z
    .int()
    .min(1)
    .max(100_000)
    .default(500)
    .describe('Virtual features of a class; at least four times the width of the features is best'),
  allocation: z
    .enum(['balanced', 'proportional'])
    .default('balanced')
    .describe('As many for each class, or by how often the class occurs'),
  jitterRel: z
    .number()
    .positive()
    .max(1)
    .default(1e-4)
    .describe('Share of the mean variance that is added to a covariance before it is factored'),
  shrinkKappa: z
    .number()
    .min(0)
    .max(1e6)
    .default(10)
    .describe(
      'Pull of the covariance of a class with fewer examples than features towards the mean of all classes',
    ),
  head: z
    .enum(['retrained', 'lda'])
    .default('retrained')
    .describe('retrained: on virtual features (CCVR). lda: in closed form from the moments'),
  ...headOptions(10),
  heldOut: z
    .boolean()
    .default(false)
    .describe(
      'Draws twice as many and tells the accuracy on the half that was not trained on: far above the test accuracy, features are not Gaussian',
    ),
  epsilon: z
    .number()
    .positive()
    .max(1000)
    .nullable()
    .default(null)
    .describe(
      'Differential privacy of the released head for one example added or removed: noise on the sums over all clients, drawn from the seed, so that it protects against those alone who do not know the seed. Needs clipNorm; null: none',
    ),
  dpDelta: z
    .number()
    .positive()
    .lt(1)
    .default(1e-5)
    .describe('Probability with which the guarantee of epsilon may fail'),
})

export type CcvrHyper = z.infer<typeof ccvrHyper>
