import { describe, expect, it } from 'vitest'
import { cifarRecord, temporaryDirectory } from '#testing/data-fixtures.js'
import { loadDataset } from './loader-list.js'

const { file, path } = temporaryDirectory()
const names = (count: number): string =>
  Array.from({ length: count }, (_, i) => `name${i}\n`).join('')

describe('cifar100', () => {
  it('takes the fine label, or the coarse one', async () => {
    await file(
      'train.bin',
      Buffer.concat([cifarRecord([3, 99], () => 5), cifarRecord([19, 0], () => 6)]),
    )
    await file('fine_label_names.txt', names(100))
    await file('coarse_label_names.txt', names(20))
    const fine = await loadDataset({ name: 'cifar100', path: path() })
    expect([...fine.labels]).toEqual([99, 0])
    expect(fine.classes).toHaveLength(100)
    expect(fine.features[3072]).toBe(Math.fround(6 / 255))
    const coarse = await loadDataset({ name: 'cifar100', path: `${path()}:labels=coarse` })
    expect([...coarse.labels]).toEqual([3, 19])
    expect(coarse.classes).toHaveLength(20)
  })

  it('refuses another kind of label, a list of too few names, and missing files', async () => {
    const load = (options: string, split: 'train' | 'test' = 'train') =>
      loadDataset({ name: 'cifar100', path: path() + options, split })
    await expect(load(':labels=rough')).rejects.toThrow(/expected fine or coarse/)
    await expect(load('', 'test')).rejects.toMatchObject({ code: 'data/not-found' })
    await file('fine_label_names.txt', names(99))
    await expect(load('')).rejects.toThrow(
      /fine_label_names\.txt: expected 100 names, one a line, found 99/,
    )
  })
})
