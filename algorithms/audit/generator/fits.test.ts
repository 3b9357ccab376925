import { describe, expect, it } from 'vitest'
import { assertMakes } from './fits.js'

describe('a generator and records', () => {
  const generator = { name: 'mine', imageShape: [16, 16, 1] }

  it('go together when pictures have the size of records', () => {
    expect(() => assertMakes(generator, [16, 16, 1])).not.toThrow()
  })

  it.each([{ inputShape: [28, 28, 1] }, { inputShape: [16, 16, 3] }, { inputShape: [256] }])(
    'do not for records of $inputShape',
    ({ inputShape }) => {
      expect(() => assertMakes(generator, inputShape)).toThrow(
        expect.objectContaining({ code: 'config/impossible' }),
      )
    },
  )
})
