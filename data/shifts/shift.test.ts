import { describe, expect, it } from 'vitest'
import { FederationError } from '#protocol/errors.js'
import { asMixed, checkShape, parseShift } from './shift.js'

const domainsIn = (spec: string) =>
  parseShift(spec).domains.map(({ name, steps }) => [
    name,
    ...steps.map(({ transform, parameter }) => [transform.name, parameter]),
  ])
const thrownBy = (run: () => unknown): FederationError => {
  try {
    run()
  } catch (error) {
    return error as FederationError
  }
  throw new FederationError('internal/bug', 'Nothing was thrown')
}

describe('the specification of a shift', () => {
  it('reads modes, domains, steps and the seed', () => {
    expect(parseShift('mixed:none')).toMatchObject({ mode: 'mixed', alpha: Number.NaN, seed: 0 })
    expect(parseShift('split:none,invert:seed=12')).toMatchObject({ mode: 'split', seed: 12 })
    expect(parseShift('skewed=.5:none,invert')).toMatchObject({ mode: 'skewed', alpha: 0.5 })
    expect(domainsIn('mixed:none,rotate=90+scale=-1+offset=8e-1,invert')).toEqual([
      ['none'],
      ['rotate=90+scale=-1+offset=8e-1', ['rotate', 90], ['scale', -1], ['offset', 0.8]],
      ['invert', ['invert', Number.NaN]],
    ])
  })

  it.each([
    ['', /cannot read ""; expected mixed\|split\|skewed=ALPHA/],
    ['mixed', /cannot read "".*none, or steps joined by \+: rotate=DEG, invert/],
    ['mixed:', /cannot read ""/],
    ['mixd:none', /cannot read "mixd"/],
    ['mixed=1:none', /cannot read "mixed=1"/],
    ['skewed:none', /skewed needs a number above 0/],
    ['skewed=0:none', /skewed needs a number above 0/],
    ['skewed=x:none', /skewed needs a number above 0/],
    ['mixed:none,', /cannot read ""/],
    ['mixed:none,none', /"none" stands there twice/],
    ['mixed:none+invert', /cannot read "none"/],
    ['mixed:blur=1', /cannot read "blur=1"/],
    ['mixed:invert=1', /invert takes no number/],
    ['mixed:invert=', /invert takes no number/],
    ['mixed:rotate', /rotate needs a number from -1000000 to 1000000 as DEG: rotate=DEG/],
    ['mixed:rotate=', /rotate needs a number/],
    ['mixed:rotate=90=1', /rotate needs a number/],
    ['mixed:scale=1e400', /scale needs a number/],
    ['mixed:scale=0x10', /scale needs a number/],
    ['mixed:noise=-1', /noise needs a number from 0/],
    ['mixed:none:seed', /cannot read "seed"/],
    ['mixed:none:seed=-1', /cannot read "seed=-1"/],
    ['mixed:none:min=1', /cannot read "min=1"/],
    ['mixed:none:seed=1:seed=2', /cannot read "seed=1:seed=2"/],
  ])('refuses %s', (spec, message) => {
    const error = thrownBy(() => parseShift(spec))
    expect(error.code).toBe('data/bad-shift')
    expect(error.message).toMatch(message)
  })

  it('refuses domains too long for the name of a metric, or too many for a byte', () => {
    const long = 'invert+'.repeat(20)
    expect(() => parseShift(`mixed:${long}invert`)).toThrow(/at most 100 characters/)
    const many = Array.from({ length: 257 }, (_, i) => `offset=${i}`)
    expect(() => parseShift(`mixed:${many.join(',')}`)).toThrow(/at most 256 domains, got 257/)
    expect(parseShift(`mixed:${many.slice(1).join(',')}`).domains).toHaveLength(256)
  })

  it('becomes mixed for a set that belongs to no client, with the same domains and seed', () => {
    const skewed = parseShift('skewed=0.5:none,invert:seed=4')
    expect(asMixed(skewed)).toEqual(parseShift('mixed:none,invert:seed=4'))
  })

  it('says which step cannot be done to which rows', () => {
    const shift = parseShift('mixed:none,invert+rotate=45')
    expect(() => checkShape(shift, [8, 8, 1])).not.toThrow()
    expect(thrownBy(() => checkShape(shift, [20]))).toMatchObject({ code: 'data/bad-shift' })
    expect(() => checkShape(parseShift('split:invert'), [20])).not.toThrow()
  })
})
