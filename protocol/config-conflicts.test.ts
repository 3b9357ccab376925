import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { parseRunConfig, type ConfigCatalogue } from './run-config.js'

const one = { sgd: z.strictObject({}) }
const catalogue: ConfigCatalogue = {
  models: { mlp: z.strictObject({}) },
  methods: { fedavg: z.strictObject({}) },
  calibrations: { ccvr: z.strictObject({}) },
  serverOptimizers: one,
  clientOptimizers: one,
  samplers: { uniform: z.strictObject({}) },
  aggregators: { mean: z.strictObject({}) },
  updateTransforms: { clip: z.strictObject({ norm: z.number().positive().default(1) }) },
}
const TASK = { inputShape: [28, 28, 1], classes: ['cat', 'dog'] }
/** Code and message of a refusal, as one text. */
function refused(input: object): string {
  const result = parseRunConfig({ task: TASK, ...input }, catalogue)
  return result.ok ? 'accepted' : `${result.error.code}\n${result.error.message}`
}

describe('a configuration whose parts do not go together', () => {
  const data = { name: 'mnist', clients: 4 }
  it.each<[string, object, RegExp]>([
    [
      'more sampled than there are',
      { data, cohort: { size: 5 } },
      /cohort\.size 5 is more than data\.clients 4/,
    ],
    [
      'more reporters than sampled',
      { cohort: { size: 2, minReporters: 3 } },
      /minReporters 3 is more than the 2/,
    ],
    [
      'over-selection of everyone',
      { cohort: { all: true, overSelect: 1.3 } },
      /overSelect 1\.3 asks more than the wanted members, and cohort\.all wants everyone/,
    ],
    [
      'more reporters than clients',
      { data, cohort: { minReporters: 5 } },
      /minReporters 5 is more than the 4/,
    ],
    // A quarter of 4 clients is 1.
    [
      'more reporters than the share',
      { data, cohort: { fraction: 0.25, minReporters: 2 } },
      /more than the 1/,
    ],
    [
      'evaluation after the end',
      { rounds: 3, evaluation: { every: 4 } },
      /evaluation\.every 4 is more than rounds 3/,
    ],
    ['nothing to do', { rounds: 0 }, /rounds 0 trains nothing; set rounds, or a calibration/],
    [
      'a calibration of nothing',
      { rounds: 0, calibration: {} },
      /rounds 0 calibrates a model that was trained before; name it in startFrom/,
    ],
    ['diagnostics without a probe', { evaluation: { diagnostics: {} } }, /set evaluation\.central/],
    [
      'early stopping without a score',
      { evaluation: { earlyStop: {} } },
      /set evaluation\.central or/,
    ],
    [
      'federated evaluation without test data',
      { data: { ...data, testFraction: 0 }, evaluation: { federated: true } },
      /raise data\.testFraction/,
    ],
    [
      'an audit of a run that trains nothing',
      { rounds: 0, startFrom: 'ab'.repeat(32), calibration: { name: 'ccvr' }, audit: {} },
      /^audit attacks what training sends/m,
    ],
    // 4 * 2^31 * 32 * 2^16 = 2^54.
    [
      'sums that are not exact',
      { data, aggregation: { maxExamples: 2 ** 31 } },
      /fewer than 16 bits/,
    ],
  ])('is refused for %s', (_what, input, message) => {
    expect(refused(input)).toMatch(/^config\/impossible\n/)
    expect(refused(input)).toMatch(message)
  })
  it('may use the last number of members whose sums are exact', () => {
    // 4 * m * 32 * 2^16 < 2^53 exactly when m < 2^30.
    expect(refused({ data, aggregation: { maxExamples: 2 ** 30 - 1 } })).toBe('accepted')
    expect(refused({ data, aggregation: { maxExamples: 2 ** 30 } })).toMatch(/impossible/)
  })
  it('hears every reason at once', () => {
    const message = refused({
      data,
      cohort: { size: 5, minReporters: 6 },
      evaluation: { every: 99 },
    })
    expect(message.split('\n')).toHaveLength(4)
  })
})
