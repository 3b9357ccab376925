import { describe, expect, it } from 'vitest'
import type { RunConfig } from '#protocol/run-config.js'
import { gatherMethod } from '#testing/gather-method.js'
import { tinyConfig, withMethod } from '#testing/tiny-federation.js'
import { CATALOGUE, type Catalogue } from './catalogue.js'
import {
  aggregatorOf,
  assertPossible,
  methodOf,
  methodSetup,
  modelOf,
  samplerOf,
  serverSetup,
} from './from-config.js'

const unknownName: unknown = expect.objectContaining({ code: 'config/unknown-name' })

describe('what a configuration names', () => {
  it('is found in the catalogue and built from its own options', () => {
    const config = tinyConfig(withMethod('fedprox', { mu: 0.25 }))
    expect(modelOf(config)).toMatchObject({ name: 'logistic', classes: 3, parameterCount: 15 })
    expect(methodOf(config).name).toBe('fedprox')
    expect(methodSetup(config).hyper).toEqual({ mu: 0.25 })
    expect(samplerOf(config).name).toBe('uniform')
    expect(aggregatorOf(config).name).toBe('mean')
    expect(serverSetup(config)).toMatchObject({
      serverOptimizer: { name: 'sgd' },
      meanGrid: { bits: 30 },
    })
  })

  it('is refused by name when there is no such thing', () => {
    const change = (some: Partial<RunConfig>) => tinyConfig((base) => ({ ...base, ...some }))
    const { aggregation, cohort } = tinyConfig()
    expect(() => modelOf(change({ model: { name: 'huge' } }))).toThrow(/huge; there are logistic/)
    expect(() => methodOf(change({ method: { name: 'fedmagic' } }))).toThrow(unknownName)
    expect(() => samplerOf(change({ cohort: { ...cohort, sampler: 'lucky' } }))).toThrow(
      unknownName,
    )
    expect(() => aggregatorOf(change({ aggregation: { ...aggregation, rule: 'best' } }))).toThrow(
      unknownName,
    )
    const serverOptimizer = { name: 'rmsprop' }
    expect(() => serverSetup(change({ aggregation: { ...aggregation, serverOptimizer } }))).toThrow(
      unknownName,
    )
  })

  it.each(['fedd2s', 'local-only', 'fedper'])(
    'is refused where the coordinator is to score models that it does not have (%s)',
    (name) => {
      const own = tinyConfig(withMethod(name))
      const central = { name: 'synthetic' }
      const asked = { ...own, evaluation: { ...own.evaluation, central } }
      expect(() => assertPossible(own)).not.toThrow()
      expect(() => assertPossible(asked)).toThrow(/evaluation\.central .* predict with their own/)
    },
  )

  it('is refused when its limits leave no grid', () => {
    const wide = tinyConfig((base) => ({
      ...base,
      aggregation: { ...base.aggregation, maxExamples: 2 ** 31, maxAbs: 2 ** 20 },
    }))
    expect(() => assertPossible(wide)).toThrow(
      expect.objectContaining({ code: 'config/impossible' }),
    )
    expect(() => assertPossible(tinyConfig())).not.toThrow()
  })

  it('is refused with an audit where clients send more than was audited', () => {
    const audited = tinyConfig((config) => ({
      ...config,
      audit: { when: 'before-run', threshold: 'elevated', budget: 'standard', count: 4 },
    }))
    expect(() => assertPossible(audited)).not.toThrow()
    const calibration = { name: 'ccvr', when: 'final' } as const
    for (const [change, message] of [
      [{ calibration }, /ccvr.*no audit attacks.*runs calibrate/],
      [
        { evaluation: { ...audited.evaluation, diagnostics: { every: 1 } } },
        /diagnostics.*no audit attacks/,
      ],
    ] as const) {
      const both = { ...audited, ...change } as RunConfig
      expect(() => assertPossible(both)).toThrow(
        expect.objectContaining({
          code: 'config/impossible',
          message: expect.stringMatching(message) as string,
        }) as Error,
      )
      const { audit: _audit, ...unaudited } = both
      const refusal = (): string => {
        try {
          assertPossible(unaudited)
          return ''
        } catch (error) {
          return (error as Error).message
        }
      }
      expect(refusal()).not.toContain('no audit attacks')
    }
  })

  it('is refused when rounds may close empty and the method, or a calibration, needs updates', () => {
    const catalogue: Catalogue = {
      ...CATALOGUE,
      methods: [...CATALOGUE.methods, { ...gatherMethod, closesEmpty: true }],
    }
    const empty = (method: string, change: Partial<RunConfig> = {}): RunConfig =>
      tinyConfig((base) => ({
        ...{ ...base, method: { name: method }, cohort: { ...base.cohort, minReporters: 0 } },
        ...change,
      }))
    expect(() => assertPossible(empty('fedavg'))).toThrow(/minReporters 0 .* fedavg .*set it to 1/)
    expect(() => assertPossible(empty('gather-test'), catalogue)).not.toThrow()
    const calibration = { name: 'ccvr', when: 'final' } as const
    const both = empty('gather-test', { calibration })
    expect(() => assertPossible(both, catalogue)).toThrow(/minReporters 0 .*calibration/)
  })
})
