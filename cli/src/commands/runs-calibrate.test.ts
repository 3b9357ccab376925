import { describe, expect, it } from 'vitest'
import type { FederationError } from '#protocol/errors.js'
import { unwrap } from '#protocol/result.js'
import { parseRunConfig } from '#protocol/run-config.js'
import { configCatalogue } from '#algorithms/catalogue.js'
import { madeUpRun } from '#testing/made-up-runs.js'
import { calibratedInput } from './runs-calibrate.js'

const TRAINED = {
  model: { name: 'mlp', hidden: [4], activation: 'relu' },
  method: { name: 'scaffold' },
  rounds: 20,
  audit: { threshold: 'high' },
  calibration: { name: 'ccvr', when: 'every-round', covMode: 'none' },
  cohort: { size: 3, minReporters: 2, deadlineSeconds: 77 },
  evaluation: {
    ...{ central: { name: 'mnist' }, federated: true, every: 5 },
    ...{ earlyStop: { metric: 'loss' }, diagnostics: { probe: 100 } },
  },
}
const parsed = (overrides: readonly string[] = [], run = madeUpRun({ config: TRAINED })) =>
  unwrap(parseRunConfig(calibratedInput(run, overrides), configCatalogue()))
const codeOf = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    return (error as FederationError).code
  }
  return 'none'
}

describe('the configuration that calibrates a run', () => {
  const run = madeUpRun({ config: TRAINED })

  it('trains nothing, starts from the model of the run and keeps everything else', () => {
    const config = parsed()
    expect(config).toMatchObject({
      ...{ name: 'study calibrated', rounds: 0, startFrom: run.modelHash, seed: run.config.seed },
      ...{ model: run.config.model, method: run.config.method, cohort: run.config.cohort },
      ...{ task: run.config.task, data: run.config.data },
    })
    expect(config.calibration).toMatchObject({ name: 'ccvr', when: 'final', covMode: 'full' })
  })

  it('scores the model before and after where the run was scored, and compares no local models', () => {
    expect(parsed().evaluation).toEqual({
      ...{ central: { name: 'mnist' }, federated: true, every: 1, earlyStop: null },
    })
  })

  it('takes overrides of any key', () => {
    const config = parsed(['calibration.covMode=diag', 'cohort.deadlineSeconds=5', 'name=mine'])
    expect(config.calibration).toMatchObject({ name: 'ccvr', covMode: 'diag' })
    expect(config).toMatchObject({ name: 'mine', cohort: { deadlineSeconds: 5 } })
  })

  it('has a name that is short enough, whatever the run is called', () => {
    const long = madeUpRun({ name: 'x'.repeat(100), config: TRAINED })
    expect(parsed([], long).name).toMatch(/^x{89} calibrated$/)
  })

  it.each(['running', 'waiting'] as const)('is refused while the run is %s', (state) => {
    expect(codeOf(() => calibratedInput({ ...run, state }, []))).toBe('run/under-way')
  })
  it.each(['finished', 'stopped', 'failed'] as const)('is made of a run that is %s', (state) => {
    expect(calibratedInput({ ...run, state }, [])['startFrom']).toBe(run.modelHash)
  })
  it('is refused for a run without a model', () => {
    expect(codeOf(() => calibratedInput({ ...run, modelHash: null }, []))).toBe('model/not-found')
  })
})
