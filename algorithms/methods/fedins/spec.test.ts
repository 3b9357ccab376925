import { expect, it } from 'vitest'
import { numbered, withoutTest } from '#testing/spec-labels.js'

it('every invariant and the golden example have a test of their name', () => {
  const folder = new URL('./', import.meta.url)
  expect(withoutTest(folder, [...numbered('I', 22), 'golden example'])).toEqual([])
})
