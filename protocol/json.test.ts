import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson, isShallow } from './json.js'

describe('canonical JSON', () => {
  it('has its keys in code-unit order, also those that look like numbers', () => {
    expect(canonicalJson({ b: 1, a: { 10: 2, 9: 1 }, B: 0 })).toBe(
      '{"B":0,"a":{"10":2,"9":1},"b":1}',
    )
    expect(canonicalJson({ ä: 1, z: 2 })).toBe('{"z":2,"ä":1}')
  })
  it('has the values that JSON.stringify writes', () => {
    expect(canonicalJson([1.5, -0, 1e21, 'a"\n', null, true])).toBe(
      JSON.stringify([1.5, -0, 1e21, 'a"\n', null, true]),
    )
    expect(canonicalJson({ a: undefined, b: [undefined, NaN] })).toBe('{"b":[null,null]}')
  })
  it('is JSON of the same value, whatever the order of its keys', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const plain = JSON.parse(JSON.stringify(value)) as unknown
        expect(JSON.parse(canonicalJson(plain))).toEqual(plain)
        expect(canonicalJson(reversed(plain))).toBe(canonicalJson(plain))
      }),
      { seed: 7, numRuns: 300 },
    )
  })
})
const reversed = (value: unknown): unknown =>
  typeof value !== 'object' || value === null || Array.isArray(value)
    ? value
    : Object.fromEntries(Object.entries(value).reverse())

describe('shallowness', () => {
  it('counts levels of lists and objects', () => {
    expect(isShallow(7, 0)).toBe(true)
    expect(isShallow([], 0)).toBe(false)
    expect(isShallow({ a: [1] }, 2)).toBe(true)
    expect(isShallow({ a: [[1]] }, 2)).toBe(false)
  })
})
