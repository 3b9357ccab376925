import { describe, expect, it } from 'vitest'
import { unwrap } from '#protocol/result.js'
import { parseRunConfig } from '#protocol/run-config.js'
import { configCatalogue } from './catalogue.js'

const good = (input: object) =>
  unwrap(
    parseRunConfig({ task: { inputShape: [4], classes: ['a', 'b'] }, ...input }, configCatalogue()),
  )

describe('a choice written without its name', () => {
  it('is the default one with the options given', () => {
    const config = good({ model: { hidden: [1] }, training: { optimizer: { momentum: 0.9 } } })
    expect(config.model).toMatchObject({ name: 'mlp', hidden: [1] })
    expect(config.training.optimizer).toMatchObject({ name: 'sgd', momentum: 0.9 })
  })
})
