import { z } from 'zod'
import type { ConfigCatalogue } from '#protocol/run-config.js'
import type { Aggregator } from '#algorithms/aggregators/aggregator.js'
import { mean } from '#algorithms/aggregators/mean.js'
import type { Calibration } from '#algorithms/calibration/calibration.js'
import { ccvr } from '#algorithms/calibration/ccvr/ccvr.js'
import { oracle } from '#algorithms/calibration/oracle/oracle.js'
import type { Method } from '#algorithms/methods/method.js'
import { apfl } from '#algorithms/methods/apfl/apfl.js'
import { clsprox } from '#algorithms/methods/clsprox/clsprox.js'
import { ditto } from '#algorithms/methods/ditto/ditto.js'
import { fedavg } from '#algorithms/methods/fedavg/fedavg.js'
import { fedavgFinetune } from '#algorithms/methods/fedavg-finetune/fedavg-finetune.js'
import { fedd2s } from '#algorithms/methods/fedd2s/fedd2s.js'
import { fedins } from '#algorithms/methods/fedins/fedins.js'
import { fednova } from '#algorithms/methods/fednova/fednova.js'
import { fedper } from '#algorithms/methods/fedper/fedper.js'
import { fedprox } from '#algorithms/methods/fedprox/fedprox.js'
import { localOnly } from '#algorithms/methods/local-only/local-only.js'
import { moon } from '#algorithms/methods/moon/moon.js'
import { scaffold } from '#algorithms/methods/scaffold/scaffold.js'
import { MODELS } from '#algorithms/models/zoo.js'
import { uniform } from '#algorithms/samplers/uniform.js'
import { adagrad } from '#algorithms/server-optimizers/adagrad.js'
import { adam } from '#algorithms/server-optimizers/adam.js'
import { momentum } from '#algorithms/server-optimizers/momentum.js'
import { sgd } from '#algorithms/server-optimizers/sgd.js'
import { yogi } from '#algorithms/server-optimizers/yogi.js'
import { CLIENT_OPTIMIZERS } from '#algorithms/training/client-optimizer.js'
import type { ClientOptimizerEntry } from '#algorithms/training/client-optimizer.js'
import { clip } from '#algorithms/update-transforms/clip.js'
import { gaussianNoise } from '#algorithms/update-transforms/gaussian-noise.js'
import { quantize } from '#algorithms/update-transforms/quantize.js'
import { topK } from '#algorithms/update-transforms/top-k.js'
import type { UpdateTransform } from '#algorithms/update-transforms/update-transform.js'
import type { ModelEntry, Sampler, ServerOptimizerEntry } from './catalogue-entry.js'

export interface Catalogue {
  readonly models: readonly ModelEntry[]
  readonly methods: readonly Method[]
  readonly calibrations: readonly Calibration[]
  readonly serverOptimizers: readonly ServerOptimizerEntry[]
  readonly clientOptimizers: readonly ClientOptimizerEntry[]
  readonly samplers: readonly Sampler[]
  readonly aggregators: readonly Aggregator[]
  readonly updateTransforms: readonly UpdateTransform[]
}

/** The one list of everything a configuration can name. A test holds it against the folders. */
export const CATALOGUE: Catalogue = {
  models: MODELS,
  methods: [
    fedavg,
    fedprox,
    clsprox,
    moon,
    scaffold,
    fednova,
    fedins,
    localOnly,
    fedavgFinetune,
    fedper,
    ditto,
    apfl,
    fedd2s,
  ],
  calibrations: [ccvr, oracle],
  serverOptimizers: [sgd, momentum, adam, yogi, adagrad],
  clientOptimizers: CLIENT_OPTIMIZERS,
  samplers: [uniform],
  aggregators: [mean],
  updateTransforms: [clip, gaussianNoise, topK, quantize],
}

const byName = <T extends { readonly name: string }>(
  entries: readonly T[],
  optionsOf: (entry: T) => z.ZodType,
): Record<string, z.ZodType> =>
  Object.fromEntries(entries.map((entry) => [entry.name, optionsOf(entry)]))

const noOptions = () => z.strictObject({})

/** What the run configuration's schema needs to know of a catalogue: each name's own options. */
export const configCatalogue = (catalogue: Catalogue = CATALOGUE): ConfigCatalogue => ({
  models: byName(catalogue.models, (entry) => entry.options),
  methods: byName(catalogue.methods, (entry) => entry.hyper),
  calibrations: byName(catalogue.calibrations, (entry) => entry.hyper),
  serverOptimizers: byName(catalogue.serverOptimizers, (entry) => entry.options),
  clientOptimizers: byName(catalogue.clientOptimizers, (entry) => entry.options),
  samplers: byName(catalogue.samplers, noOptions),
  aggregators: byName(catalogue.aggregators, noOptions),
  updateTransforms: byName(catalogue.updateTransforms, (entry) => entry.options),
})
