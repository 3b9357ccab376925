import { z } from 'zod'

const cutName = z.string().min(1).max(100)

/**
 * Hyper-parameters of our reading of FedD2S. Those of the paper are not known: defaults are the fedd2s specification's (§10).
 */
export const hyper = z.strictObject({
  profile: z
    .enum(['features', 'models'])
    .default('features')
    .describe(
      'features: activations and labels of single examples go up, the server trains a head on them. models: whole models travel instead, as by federated averaging (Profile M)',
    ),
  transfer: z
    .enum(['softLabels', 'headDownload'])
    .default('softLabels')
    .describe(
      'How the head teaches clients: soft labels of their own examples come back, or they get the head and ask it themselves',
    ),
  cuts: z
    .array(cutName)
    .min(1)
    .max(1000)
    .nullable()
    .default(null)
    .describe(
      'Dropping set: names of the blocks behind which the model is cut, from deep to shallow; null: all but the head',
    ),
  minCut: cutName
    .nullable()
    .default(null)
    .describe(
      'Shallowest cut that the default dropping set has: activations from below it never leave a client',
    ),
  schedule: z
    .enum(['deepToShallow', 'fixed', 'reversed'])
    .default('deepToShallow')
    .describe('How the cut moves; fixed: it does not, reversed: the negative control'),
  interval: z
    .int()
    .min(1)
    .max(1_000_000)
    .nullable()
    .default(null)
    .describe('Rounds spent on one cut; null: rounds / (cuts + 2), rounded down, at least 1'),
  stopFederationAfter: z
    .int()
    .min(1)
    .max(1_000_000)
    .nullable()
    .default(null)
    .describe('After this many rounds clients train alone and send nothing; null: never'),
  temperature: z.number().positive().max(1000).default(2).describe('T of all soft labels'),
  clientDivergence: z
    .number()
    .min(0)
    .max(1000)
    .default(1)
    .describe('Weight of the KL term at the client, λ_c'),
  serverDivergence: z
    .number()
    .min(0)
    .max(1000)
    .default(0.3)
    .describe('Weight of the KL term at the server, λ_s'),
  scaleByT2: z.boolean().default(true).describe('Multiply the KL terms by T²'),
  serverTeacher: z
    .enum(['headSnapshot', 'local', 'none'])
    .default('headSnapshot')
    .describe(
      "Teacher of the head: itself as the round began; each client's own output, which then leaves the client; nobody",
    ),
  serverEpochs: z
    .int()
    .min(1)
    .max(10_000)
    .default(2)
    .describe('Passes of the server over the activations of a round'),
  serverBatchSize: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(64)
    .describe('Activations per step of the server'),
  serverLearningRate: z
    .number()
    .positive()
    .max(1000)
    .nullable()
    .default(null)
    .describe("The server's learning rate; null: as in training.optimizer"),
  headSharing: z
    .enum(['suffix', 'perCut'])
    .default('suffix')
    .describe('suffix: heads of all cuts are parts of one model; perCut: each cut has its own'),
  featurePull: z
    .number()
    .min(0)
    .max(1000)
    .default(0)
    .describe(
      "With headDownload: weight μ of the head's own cross-entropy on a client's features, an extension of ours",
    ),
  maxSoftLabelAge: z
    .int()
    .min(1)
    .max(1_000_000)
    .nullable()
    .default(null)
    .describe('Rounds after which a soft label is not used any more; null: never'),
  rows: z
    .enum(['examples', 'class-means'])
    .default('examples')
    .describe('What goes up: a row for each example, or the mean of each class'),
  maxSamplesPerRound: z
    .int()
    .min(1)
    .max(100_000_000)
    .nullable()
    .default(null)
    .describe('Most examples whose activations a client sends in a round, drawn anew; null: all'),
  pooling: z
    .int()
    .min(1)
    .max(64)
    .default(1)
    .describe('Activations of images are averaged over squares of this side before they go up'),
  quantization: z
    .enum(['none', 'float16', 'uint8'])
    .default('none')
    .describe('How activations travel'),
  clipNorm: z
    .number()
    .positive()
    .max(1e6)
    .nullable()
    .default(null)
    .describe('Largest L2 norm of an activation that goes up; null: as it is'),
  noise: z
    .number()
    .min(0)
    .max(1e6)
    .default(0)
    .describe(
      'Standard deviation, times clipNorm, of Gaussian noise on activations that go up; no formal guarantee',
    ),
  otherModels: z
    .array(
      z.looseObject({
        name: z.string().min(1).max(100).describe('A model of the zoo; its options stand beside'),
      }),
    )
    .max(100)
    .default([])
    .describe(
      'Further models beside `model`, dealt to clients in turn by slot; clients whose activations have equal shapes share a head',
    ),
  adapter: z
    .enum(['none', 'linear'])
    .default('none')
    .describe(
      "linear: a client's activation is mapped to the shape that `model` has, so that all share one head",
    ),
})

export type FedD2SHyper = z.output<typeof hyper>
