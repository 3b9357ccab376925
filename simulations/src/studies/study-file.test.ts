import { describe, expect, it } from 'vitest'
import type { JsonObject } from '#protocol/json.js'
import { baseOf, isStudy, parseStudyFile } from './study-file.js'

describe('an experiment file', () => {
  it('is taken apart into base, variants and settings, in the order they are written', () => {
    const file = {
      ...{ name: 'digits', rounds: 3, measure: 'loss', baseline: 'one' },
      variants: { two: { rounds: 2 }, one: { rounds: 1 } },
      settings: { skewed: { data: { partition: 'shards:2' } } },
    }
    expect(parseStudyFile(file)).toEqual({
      base: { name: 'digits', rounds: 3 },
      variants: [
        { name: 'two', overrides: { rounds: 2 } },
        { name: 'one', overrides: { rounds: 1 } },
      ],
      settings: [{ name: 'skewed', overrides: { data: { partition: 'shards:2' } } }],
      ...{ measure: 'loss', baseline: 'one' },
    })
    expect(baseOf(file)).toEqual({ name: 'digits', rounds: 3 })
  })

  it('is a study when it has variants or settings', () => {
    expect(isStudy({ variants: {} })).toBe(true)
    expect(isStudy({ settings: {} })).toBe(true)
    expect(isStudy({ rounds: 3, measure: 'loss' })).toBe(false)
  })

  it.each<[string, JsonObject, RegExp]>([
    ['variants that are no object', { variants: ['a'] }, /^variants: expected an object/],
    ['no variant', { variants: {} }, /^variants: .* leave the key out/],
    ['no setting', { settings: {} }, /^settings: /],
    ['an empty name', { variants: { '': { rounds: 1 } } }, /^variants: '' is no name/],
    ['a name that is a path', { settings: { '../a': { rounds: 1 } } }, /^settings: '\.\.\/a'/],
    ['two dashes, which part file names', { variants: { 'a--b': { rounds: 1 } } }, /'a--b'/],
    ['overrides of nothing', { variants: { a: {} } }, /^variants\.a: expected an object/],
    ['overrides that are no object', { settings: { a: 3 } }, /^settings\.a: expected an object/],
    ['a seed of its own', { variants: { a: { seed: 1 } } }, /^variants\.a\.seed: cannot be/],
    ['a name of its own', { settings: { a: { name: 'b' } } }, /^settings\.a\.name: cannot be/],
    ['a study in a study', { variants: { a: { variants: {} } } }, /^variants\.a\.variants: /],
    ['a baseline that is no name', { baseline: '' }, /^baseline: expected the name of a variant/],
    ['a measure that is no name', { measure: 3 }, /^measure: expected/],
  ])('with %s is refused', (_, file, message) => {
    expect(() => parseStudyFile(file)).toThrow(
      expect.objectContaining({
        code: 'config/invalid',
        message: expect.stringMatching(message) as string,
      }),
    )
  })
})
