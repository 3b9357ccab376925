/** Runs that show what there is to see: every method with something of its own, every state, every kind of privacy. */
import type { JsonObject } from '#protocol/json.js'
import type { RunConfigInput } from '#protocol/run-config.js'

const CLASSES = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']
export const DIGITS = 'synthetic:bitmap-digits:count=2000:test=1000:seed=1'
/** Pictures of another look at each node. */
export const GLYPHS = 'synthetic:glyphs:classes=8:count=640:test=640:seed=2'
export const DOMAINS =
  'none,rotate=90+scale=-1+offset=0.8,rotate=180+scale=0.5+offset=-0.8,rotate=270+scale=-1.5'
/** Of the nodes of the first runs, and of the last ones: which data they hold and what they let leave. */
export const HOSPITALS = ['Bergen', 'Lyon', 'Porto', 'Turku']
export const hospitalFlags = (name: string): readonly string[] => [
  ...['--data', DIGITS, '--partition', 'dirichlet:0.3:min=60:seed=3'],
  ...['--shard', `${HOSPITALS.indexOf(name) + 1}/4`, '--share-counts', '--allow-per-example'],
  ...(name === 'Turku' ? ['--only-methods', 'fedavg,fedprox,fedd2s,ccvr'] : []),
]
export const SCANNERS = ['Aarhus CT', 'Gent MR', 'Krakow CT', 'Zadar MR']
export const scannerFlags = (name: string): readonly string[] => [
  ...['--data', GLYPHS, '--shift', `split:${DOMAINS}:seed=1`],
  ...['--partition', 'dirichlet:1:min=40:seed=1', '--shard', `${SCANNERS.indexOf(name) + 1}/4`],
  ...['--share-counts', '--allow-per-example'],
]
const pathOf = (source: string): string => source.slice('synthetic:'.length)

const training = (localEpochs: number, learningRate: number): JsonObject => ({
  localEpochs,
  batchSize: 32,
  optimizer: { name: 'sgd', learningRate, momentum: 0.9 },
})
const BASE = {
  task: { inputShape: [12, 12, 1], classes: CLASSES },
  model: { name: 'mlp', hidden: [64, 32] },
  method: { name: 'fedavg' },
  training: training(2, 0.03),
  cohort: { all: true, minReporters: 3, graceSeconds: 2, deadlineSeconds: 60 },
  evaluation: {
    central: { name: 'synthetic', path: pathOf(DIGITS) },
    federated: true,
    diagnostics: { probe: 250, every: 5 },
  },
  compute: { backend: 'wasm', threads: 1 },
  rounds: 20,
}
const run = (name: string, change: JsonObject = {}): RunConfigInput => ({
  ...BASE,
  name,
  ...change,
})

export const digitsBaseline = (seed: number): RunConfigInput => run('Digits baseline', { seed })
export const digitsProximal = (seed: number): RunConfigInput =>
  run('Digits proximal', { seed, method: { name: 'fedprox', mu: 0.1 } })
export const CALIBRATED = run('Digits calibrated', {
  rounds: 12,
  calibration: { name: 'ccvr' },
  seed: 4,
})
const { diagnostics: _diagnostics, ...scored } = BASE.evaluation
export const PERSONAL = run('Personal models', {
  model: { name: 'mlp', hidden: [64, 48, 32] },
  method: { name: 'fedd2s', interval: 4, serverEpochs: 2, serverBatchSize: 32 },
  training: training(2, 0.02),
  evaluation: { federated: true },
  seed: 5,
})
export const NOISY = run('Clipped, with noise', {
  updates: [
    { name: 'clip', norm: 1 },
    { name: 'gaussian-noise', stddev: 0.002 },
  ],
  evaluation: scored,
  seed: 6,
})
export const SPARSE = run('Sparse updates', {
  updates: [
    { name: 'top-k', fraction: 0.1 },
    { name: 'quantize', bits: 8 },
  ],
  evaluation: scored,
  rounds: 15,
  seed: 7,
})
/** Waits: the policy of one node does not allow the method, and without it there are too few. */
export const WAITING = run('Digits contrastive', {
  method: { name: 'moon' },
  cohort: { ...BASE.cohort, minReporters: 4 },
  evaluation: scored,
  seed: 8,
})
/** Nobody is done in time, twice. */
export const FAILING = run('Impatient', {
  training: training(200, 0.03),
  cohort: { ...BASE.cohort, deadlineSeconds: 0.5, attempts: 2 },
  evaluation: scored,
  seed: 14,
})
export const LONG = run('Long training', { evaluation: scored, rounds: 400, seed: 9 })

const audited = (name: string, change: JsonObject): RunConfigInput =>
  run(name, { evaluation: scored, rounds: 6, ...change })
const gate = (count: number): JsonObject => ({ threshold: 'elevated', budget: 'smoke', count })
const OPEN = {
  model: { name: 'mlp', hidden: [12], activation: 'softplus' },
  training: { localEpochs: 1, batchSize: 1, optimizer: { name: 'sgd', learningRate: 0.02 } },
  audit: gate(2),
}
export const ABOVE_THRESHOLD = audited('Pilot, one record a step', { ...OPEN, seed: 10 })
export const OVERRIDDEN = audited('Pilot, public data only', { ...OPEN, seed: 11 })
export const PASSED = audited('Pilot with noise', {
  ...OPEN,
  updates: [
    { name: 'clip', norm: 0.5 },
    { name: 'gaussian-noise', stddev: 0.5 },
  ],
  seed: 12,
})

export const BACKBONE = { name: 'mlp', hidden: [64, 32], activation: 'gelu', closingNorm: true }
export const INSTANCES = run('Four scanners', {
  task: { inputShape: [12, 12, 1], classes: CLASSES.slice(0, 8) },
  model: BACKBONE,
  startFrom: { file: 'backbone.bundle' },
  method: { name: 'fedins', poolSize: 8, topK: 1, keyWeight: 0.1 },
  training: {
    localEpochs: 2,
    batchSize: 16,
    optimizer: { name: 'sgd', learningRate: 0.5 },
  },
  evaluation: {
    central: { name: 'synthetic', path: pathOf(GLYPHS), shift: `mixed:${DOMAINS}:seed=1` },
    federated: true,
  },
  rounds: 15,
  seed: 13,
})
