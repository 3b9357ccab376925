import { describe, expect, it } from 'vitest'
import { temporaryDirectory } from '#testing/data-fixtures.js'
import { openClientData } from '#data/client-data.js'
import { loadDataset, openSource } from './loader-list.js'

const { file, path } = temporaryDirectory()
let written = 0
/** Loads a file of these lines. */
async function load(lines: readonly string[], options = '', limit?: number) {
  const name = await file(`${written++}.jsonl`, lines.join('\n'))
  return loadDataset({
    ...{ name: 'jsonl', path: `${name}${options}` },
    ...(limit === undefined ? {} : { limit }),
  })
}
const GOOD = ['{"features":[1,2.5],"label":"b"}', '{"label":"a","features":[-3,4],"more":{}}']

describe('jsonl', () => {
  it('reads features and labels, in the order of the lines', async () => {
    const data = await load(GOOD)
    expect(data).toMatchObject({ inputShape: [2], classes: ['a', 'b'], count: 2 })
    expect([...data.features]).toEqual([1, 2.5, -3, 4])
    expect([...data.labels]).toEqual([1, 0])
  })

  it('gives the same rows for both splits, and any of them in any order', async () => {
    const name = await file('any.jsonl', GOOD.join('\n'))
    const test = await openSource({ name: 'jsonl', path: name, split: 'test' })
    expect([...(await test.features(Int32Array.of(1, 0)))]).toEqual([-3, 4, 1, 2.5])
  })

  it('passes over empty lines, a byte-order mark and carriage returns', async () => {
    const { count } = await load([`\uFEFF${GOOD[0]}\r`, '\r', '   ', `${GOOD[1]}\r`, ''])
    expect(count).toBe(2)
  })

  it('takes keys as they are called, numbers as labels in their order', async () => {
    const data = await load(
      ['{"x":[1],"y":10}', '{"x":[2],"y":9}', '{"x":[3],"y":-1}'],
      ':features=x:label=y',
    )
    expect(data.classes).toEqual(['-1', '9', '10'])
    expect([...data.labels]).toEqual([2, 1, 0])
  })

  it('takes the shape from the nesting, with a channel for grey images', async () => {
    const grey = await load([
      '{"features":[[1,2,3],[4,5,6]],"label":0}',
      '{"features":[[0,0,0],[0,0,0]],"label":1}',
    ])
    expect(grey.inputShape).toEqual([2, 3, 1])
    expect([...grey.features.subarray(0, 6)]).toEqual([1, 2, 3, 4, 5, 6])
    const colour = await load([
      '{"features":[[[1,2]],[[3,4]]],"label":0}',
      '{"features":[[[0,0]],[[0,0]]],"label":1}',
    ])
    expect(colour.inputShape).toEqual([2, 1, 2])
  })

  it('fixes the classes with classes=, and reads no further than its limit', async () => {
    const data = await load([...GOOD, 'no JSON'], ':classes=a,b,c', 2)
    expect(data.classes).toEqual(['a', 'b', 'c'])
    expect([...data.labels]).toEqual([1, 0])
  })

  it.each([
    ['no JSON', ['{"features":[1]'], /JSON in line 2/],
    ['no object', ['[1,2]'], /an object \{…\} in line 2, found a list/],
    ['no features', ['{"label":"a"}'], /the key "features" in line 2, found label/],
    ['inherited keys', ['{"features":[1,2]}'], /the key "label" in line 2, found features/],
    ['another length', ['{"features":[1],"label":"a"}'], /shape 2 in line 2, found a list of 1/],
    ['a number for a list', ['{"features":7,"label":"a"}'], /shape 2 in line 2, found 7/],
    ['deeper lists', ['{"features":[1,[2]],"label":"a"}'], /finite numbers .* line 2, found \[2\]/],
    ['texts', ['{"features":[1,"2"],"label":"a"}'], /finite numbers .* line 2, found "2"/],
    ['null', ['{"features":[1,null],"label":"a"}'], /finite numbers .* line 2, found null/],
    ['huge numbers', ['{"features":[1,1e39],"label":"a"}'], /finite numbers .* line 2/],
    [
      'a label that is a list',
      ['{"features":[1,2],"label":[1]}'],
      /text or a number as label in line 2/,
    ],
    ['an empty label', ['{"features":[1,2],"label":""}'], /1 to 100 characters in line 2/],
  ])('refuses %s, with the number of the line', async (_, lines, message) => {
    const loading = load([GOOD[0]!, ...lines])
    await expect(loading).rejects.toMatchObject({ code: 'data/corrupt' })
    await expect(loading).rejects.toThrow(message)
  })

  it.each([
    ['', /at least one line, found none/],
    ['{"features":[],"label":1}', /nested at most 4 deep in line 1, found \[\]/],
    ['{"features":[[[[[1]]]]],"label":1}', /nested at most 4 deep in line 1/],
    ['{"features":{"a":1},"label":1}', /a list of numbers/],
    ['{"features":[1],"label":1}', /at least two different labels, found 1/],
  ])('refuses %j', async (line, message) => {
    await expect(load([line])).rejects.toThrow(message)
  })

  it('counts lines as an editor does, empty ones too', async () => {
    await expect(load([GOOD[0]!, '', '', 'x'])).rejects.toThrow(/JSON in line 4/)
  })

  it('refuses labels that classes= does not name, and files that are not there', async () => {
    await expect(load(GOOD, ':classes=a,c')).rejects.toThrow(/one of the labels a, c in line 1/)
    const missing = loadDataset({ name: 'jsonl', path: `${path()}/none.jsonl` })
    await expect(missing).rejects.toMatchObject({ code: 'data/not-found' })
  })

  it('is private: a card says nothing of the file', async () => {
    const name = await file('private.jsonl', GOOD.join('\n'))
    const { card } = await openClientData({ data: `jsonl:${name}`, testFraction: 0 })
    expect(card).toEqual({ inputShape: [2], classes: ['a', 'b'] })
  })
})
