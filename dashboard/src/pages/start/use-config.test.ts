import { act, renderHook } from '@testing-library/react'
import { describe, expect, it } from 'vitest'
import { configOfExample } from './examples.js'
import { parseStartSearch } from './search.js'
import { parseConfigText, textOf, useConfig } from './use-config.js'

describe('one configuration, edited in two ways', () => {
  it('is the same in both', () => {
    const { result } = renderHook(() => useConfig({ rounds: 3 }))
    act(() => result.current.write('{"rounds": 4, "name": "x"}'))
    expect([result.current.config, result.current.problem]).toEqual([
      { rounds: 4, name: 'x' },
      null,
    ])
    act(() => result.current.change({ rounds: 5 }))
    expect(result.current.text).toBe('{\n  "rounds": 5\n}')
    expect(result.current.isChanged).toBe(true)
  })
  it('stays what it was while the text is none, and says where it breaks', () => {
    const { result } = renderHook(() => useConfig({ rounds: 3 }))
    act(() => result.current.write('{\n  "rounds": 4,\n'))
    expect(result.current.config).toEqual({ rounds: 3 })
    expect(result.current.problem).toContain('no JSON')
    expect(result.current.text).toBe('{\n  "rounds": 4,\n')
    expect(parseConfigText('[1]')).toContain('object')
    expect(parseConfigText(' ')).toEqual({})
  })
  it('has short lists in one line', () => {
    expect(textOf({ a: [1, 2], b: [{ c: [3] }] })).toBe(
      '{\n  "a": [1, 2],\n  "b": [\n    {\n      "c": [3]\n    }\n  ]\n}',
    )
  })
})

describe('what it begins with', () => {
  it('is a run or an example, by an address that may be anything', () => {
    expect(parseStartSearch({ from: 'run-0123456789ab' })).toEqual({ from: 'run-0123456789ab' })
    expect(parseStartSearch({ from: '../../x', example: 3 })).toEqual({})
  })
  it('leaves out the data that simulations deal', () => {
    const { rounds, ...left } = configOfExample({
      rounds: 3,
      data: { name: 'mnist' },
      variants: {},
    })
    expect([rounds, left]).toEqual([3, {}])
  })
})
