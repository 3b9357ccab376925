/** What a round tells beside its metrics, for people who ask why: similarities, norms and geometry. JSON, part of the record. */
import { z } from 'zod'
import { slot } from './wire.js'

/** Most examples that `evaluation.diagnostics.probe` may name: products of each with each are kept for every client and layer. */
export const LARGEST_PROBE = 2048

/** null where the measure is undefined: a constant layer, a class without examples. */
const measured = z.number().nullable()
const row = z.array(measured).max(100_000)

/** Linear CKA between the local models of clients, one layer after another (ccvr specification §11.1). */
const layer = z.strictObject({
  name: z.string().max(200),
  /** Activations per example, convolutions flattened. */
  width: z.int().positive(),
  /** Mean over all pairs of different clients, in [0, 1]. */
  cka: measured,
  /** The same with the debiased estimator of HSIC; may lie a little outside of [0, 1]. */
  ckaDebiased: measured,
  /** clients × clients, in the order of `local.slots`; to six digits. */
  pairs: z.array(row).max(32).exactOptional(),
})

/** Geometry of features and head on labelled examples (neural collapse: https://arxiv.org/abs/2008.08186). */
const geometry = z.strictObject({
  /** Which examples: the probe of the central test split, or the class moments that clients sent. */
  of: z.enum(['probe', 'moments']),
  examples: z.int().nonnegative(),
  /** Within-class variability, tr(Σ_W Σ_B⁺) / C: 0 when every class has collapsed onto its mean. */
  withinClassVariability: measured,
  /** Relative spread of the lengths of centred class means: 0 when all are as long. */
  equinorm: measured,
  /** Spread of the cosines between centred class means: 0 when all pairs stand at the same angle. */
  equiangularity: measured,
  /** Mean |cos + 1 / (C − 1)|: 0 when that angle is the largest possible. */
  maximalAngle: measured,
  /** ‖Wᵀ/‖W‖ − M/‖M‖‖²: 0 when the head's columns point where the class means do. */
  selfDuality: measured,
  /** Mean L2 norm of a feature vector; null for moments, which do not tell it. */
  featureNorm: measured,
  /** Share of features that are the same for every example. */
  deadFeatures: measured,
  /** exp of the entropy of the covariance's eigenvalues: how many directions features use. */
  effectiveRank: measured,
  /** tr(Σ_B) / tr(Σ_total): share of the spread that lies between classes. */
  betweenClassShare: measured,
})

/** One class in a calibration (ccvr specification §4, §11.3). */
const calibratedClass = z.strictObject({
  name: z.string(),
  /** Examples of all clients that answered. */
  examples: z.number().nonnegative(),
  /** Clients that hold the class; null where they told only sums. */
  clients: z.int().nonnegative().nullable(),
  /** ok; single: one example; low-rank: fewer examples than features; missing: none, so its column of the head is unchanged. */
  status: z.enum(['ok', 'single', 'low-rank', 'missing']),
  rank: z.int().nonnegative().nullable(),
  /** Largest over smallest non-zero eigenvalue. */
  condition: measured,
  /** The ε_rel that the covariance needed to be factored; null where none was. */
  jitter: measured,
  /** Share of the scatter that lies between clients. */
  betweenClients: measured,
  virtualExamples: z.int().nonnegative(),
})

export const diagnosticsSchema = z.strictObject({
  local: z
    .strictObject({
      /** Whose models were compared, ascending: of a larger round the first 32. */
      slots: z.array(slot).max(32),
      /** Examples of the probe. */
      probe: z.int().positive(),
      layers: z.array(layer),
      /** ‖W_k[:, c]‖₂ of each local head: clients × classes, in the order of `slots`. */
      headNorms: z.array(row),
    })
    .exactOptional(),
  /** ‖W[:, c]‖₂ of the released model's head, by class. */
  headNorms: row.exactOptional(),
  geometry: geometry.exactOptional(),
  calibration: z
    .strictObject({
      /** Who answered, and who of the cohort did not. */
      answered: z.array(slot),
      missing: z.array(slot),
      classes: z.array(calibratedClass).max(100_000),
      /** Of the head on its virtual features, before and after; on held-out ones where there are some. */
      virtual: z.strictObject({
        lossBefore: measured,
        lossAfter: measured,
        accuracyBefore: measured,
        accuracyAfter: measured,
      }),
    })
    .exactOptional(),
})

export type Diagnostics = z.infer<typeof diagnosticsSchema>
export type LayerSimilarity = z.infer<typeof layer>
export type Geometry = z.infer<typeof geometry>
export type CalibratedClass = z.infer<typeof calibratedClass>
