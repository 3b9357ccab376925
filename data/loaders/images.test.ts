import { mkdir, rename, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { temporaryDirectory } from '#testing/data-fixtures.js'
import { openClientData } from '#data/client-data.js'
import { loadDataset, openSource } from './loader-list.js'

const { path } = temporaryDirectory()
type Format = 'png' | 'jpeg' | 'webp' | 'gif' | 'tiff'

/** An image of one colour. */
const plain = (colour: string, format: Format = 'png', [width, height] = [6, 6]) =>
  sharp({ create: { width: width, height: height, channels: 3, background: colour } })
    .toFormat(format)
    .toBuffer()
const half = (bytes: Buffer): Buffer => bytes.subarray(0, bytes.length / 2)
/** An image of the values given, row by row. */
const drawn = (
  values: readonly number[],
  [width, height, channels]: readonly [number, number, 1 | 3 | 4],
) => sharp(Buffer.from(values), { raw: { width, height, channels } }).png().toBuffer()

async function put(name: string, content: Uint8Array | string): Promise<string> {
  const at = join(path(), name)
  await mkdir(dirname(at), { recursive: true })
  await writeFile(at, content)
  return at
}
const folder = (name: string): string => join(path(), name)
const load = (name: string, options = '', split: 'train' | 'test' = 'train') =>
  loadDataset({ name: 'images', path: `${folder(name)}${options}`, split })

/** `count` images of each class, whose grey says which they are: 10 × class + number. */
async function greys(name: string, classes: readonly string[], count: number): Promise<void> {
  for (const [label, one] of classes.entries())
    for (let i = 0; i < count; i++) {
      const value = 10 * label + i
      await put(`${name}/${one}/${i}.png`, await plain(`rgb(${value},${value},${value})`))
    }
}
const valuesOf = (features: Float32Array, size: number): number[] =>
  [...features].filter((_, i) => i % size === 0).map((value) => Math.round(value * 255))

describe('images', () => {
  it('reads every format and spelling, and passes over hidden and other files', async () => {
    await put('mixed/train/red/a.PNG', await plain('#f00'))
    await put('mixed/train/red/b.jpeg', await plain('#f00', 'jpeg'))
    await put('mixed/train/red/c.JPG', await plain('#f00', 'jpeg'))
    await put('mixed/train/blue/d.webp', await plain('#00f', 'webp'))
    await put('mixed/train/blue/e.Gif', await plain('#00f', 'gif'))
    await put('mixed/train/blue/f.tif', await plain('#00f', 'tiff'))
    await put('mixed/train/blue/.hidden.png', 'no image')
    await put('mixed/train/blue/notes.txt', 'no image')
    await put('mixed/train/.cache/x.png', 'no image')
    await put('mixed/train/readme.png', 'no class')
    await put('mixed/test/red/a.png', await plain('#f00'))
    const data = await load('mixed', ':size=2')
    expect(data).toMatchObject({ classes: ['blue', 'red'], inputShape: [2, 2, 3], count: 6 })
    expect([...data.labels]).toEqual([0, 1, 0, 1, 0, 1])
    data.labels.forEach((label, row) => {
      const pixel = data.features.subarray(row * 12, row * 12 + 3)
      const expected = label === 1 ? [1, 0, 0] : [0, 0, 1]
      // Lossy formats are a little off.
      expected.forEach((value, channel) => expect(pixel[channel]).toBeCloseTo(value, 1))
    })
    expect((await load('mixed', ':size=2', 'test')).count).toBe(1)
  })

  it('takes the classes of both splits together', async () => {
    await put('both/train/b/1.png', await plain('#fff'))
    await put('both/test/a/1.png', await plain('#fff'))
    await mkdir(folder('both/test/c'))
    const [train, test] = [await load('both'), await load('both', '', 'test')]
    expect(train.classes).toEqual(['a', 'b', 'c'])
    expect(test.classes).toEqual(['a', 'b', 'c'])
    expect([[...train.labels], [...test.labels]]).toEqual([[1], [0]])
    expect(train.inputShape).toEqual([32, 32, 3])
  })

  it('keeps a fifth for testing where the folder is not split, whatever else lies there', async () => {
    await greys('whole', ['a', 'b'], 10)
    const values = async (split: 'train' | 'test') =>
      valuesOf((await load('whole', ':size=1', split)).features, 3)
    const [train, test] = [await values('train'), await values('test')]
    expect([...train, ...test].sort((a, b) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, i) => i),
    )
    expect(test.length).toBeGreaterThan(0)
    expect(test.length).toBeLessThan(10)
    await put('whole/a/another.png', await plain('rgb(99,99,99)'))
    await rename(folder('whole/b/0.png'), folder('whole/b/gone.png'))
    const kept = (all: readonly number[]) => all.filter((value) => value !== 99 && value !== 10)
    expect(kept(await values('test'))).toEqual(kept(test))
  })

  it('lists the classes in turns, so that a limit keeps them balanced', async () => {
    await greys('turns/train', ['a', 'b', 'c'], 3)
    await mkdir(folder('turns/test'))
    const { labels, features } = await loadDataset({
      ...{ name: 'images', path: `${folder('turns')}:size=1:channels=1`, limit: 5 },
    })
    expect([...labels]).toEqual([0, 1, 2, 0, 1])
    expect(valuesOf(features, 1)).toEqual([0, 10, 20, 1, 11])
  })

  it('decodes the rows that are asked for, and no other', async () => {
    await greys('lazy/train', ['a', 'b'], 4)
    await mkdir(folder('lazy/test'))
    const broken = await put('lazy/train/a/3.png', 'no image')
    const rows = await openSource({ name: 'images', path: `${folder('lazy')}:size=1` })
    // Rows 0 … 7 are a/0, b/0, a/1, b/1 … ; row 6 is a/3.
    expect(valuesOf(await rows.features(Int32Array.of(5, 0, 7)), 3)).toEqual([12, 0, 13])
    const bad = rows.features(Int32Array.of(0, 6))
    await expect(bad).rejects.toMatchObject({ code: 'data/corrupt' })
    await expect(bad).rejects.toThrow(broken)
  })

  it.each([
    ['cut short', async () => half(await plain('#123', 'jpeg', [200, 200]))],
    ['of no bytes', async () => new Uint8Array(0)],
    ['something else', async () => 'hello'],
  ])('names a file that is %s', async (what, content) => {
    const name = `corrupt-${what.replaceAll(' ', '-')}`
    await put(`${name}/train/a/good.png`, await plain('#fff'))
    await put(`${name}/test/b/good.png`, await plain('#fff'))
    const bad = await put(`${name}/train/b/bad.jpg`, await content())
    await expect(load(name)).rejects.toMatchObject({ code: 'data/corrupt' })
    await expect(load(name)).rejects.toThrow(`${bad}: expected an image, found`)
  })

  it('cuts the middle out and keeps pixels where the size fits', async () => {
    await mkdir(folder('cut/test'), { recursive: true })
    // 4 × 2, of which the middle 2 × 2 is kept.
    const wide = [1, 2, 3, 4, 5, 6, 7, 8].flatMap((value) => [value, 10 * value, 100])
    await put('cut/train/a/wide.png', await drawn(wide, [4, 2, 3]))
    await put('cut/train/b/x.png', await plain('#000'))
    const { features } = await load('cut', ':size=2')
    expect([...features.subarray(0, 12)].map((value) => Math.round(value * 255))).toEqual(
      [2, 3, 6, 7].flatMap((value) => [value, 10 * value, 100]),
    )
  })

  it('makes grey of colours, colours of grey, black of nothing', async () => {
    await mkdir(folder('tones/test'), { recursive: true })
    await put(
      'tones/train/a/grey.png',
      await sharp(await drawn([50, 50, 50, 50], [2, 2, 1]))
        .toColourspace('b-w')
        .png()
        .toBuffer(),
    )
    await put(
      'tones/train/b/clear.png',
      await drawn(
        new Array<number>(16).fill(255).map((v, i) => (i % 4 === 3 ? 0 : v)),
        [2, 2, 4],
      ),
    )
    expect(valuesOf((await load('tones', ':size=2')).features, 1)).toEqual([
      ...new Array<number>(12).fill(50),
      ...new Array<number>(12).fill(0),
    ])
    const grey = await load('tones', ':size=2:channels=1')
    expect(grey.inputShape).toEqual([2, 2, 1])
    expect(valuesOf(grey.features, 1)).toEqual([50, 50, 50, 50, 0, 0, 0, 0])
  })

  it('turns photographs upright, as the camera says', async () => {
    await mkdir(folder('upright/test'), { recursive: true })
    const lying = sharp(
      await drawn(
        [10, 20, 30, 40].flatMap((v) => [v, v, v]),
        [2, 2, 3],
      ),
    )
    // Orientation 6: the top of the scene is the right side of the stored image.
    await put(
      'upright/train/a/x.png',
      await lying.withMetadata({ orientation: 6 }).png().toBuffer(),
    )
    await put('upright/train/b/x.png', await plain('#000'))
    const { features } = await load('upright', ':size=2:channels=1')
    expect(valuesOf(features.subarray(0, 4), 1)).toEqual([30, 10, 40, 20])
  })

  it('follows links to folders and files', async () => {
    await put('real/a/x.png', await plain('#fff'))
    await mkdir(folder('linked/train/b'), { recursive: true })
    await mkdir(folder('linked/test'))
    await symlink(folder('real/a'), folder('linked/train/a'))
    await symlink(folder('real/a/x.png'), folder('linked/train/b/y.png'))
    await symlink(folder('nowhere'), folder('linked/train/c'))
    const { classes, labels } = await load('linked')
    expect([classes, [...labels]]).toEqual([
      ['a', 'b'],
      [0, 1],
    ])
  })

  it('fixes the classes and their order with classes=', async () => {
    await greys('fixed/train', ['a', 'b'], 1)
    await mkdir(folder('fixed/test'))
    const { classes, labels } = await load('fixed', ':classes=c,b,a')
    expect([classes, [...labels]]).toEqual([
      ['c', 'b', 'a'],
      [1, 2],
    ])
    await expect(load('fixed', ':classes=a,c')).rejects.toThrow(/sub-folders named a, c, found "b"/)
  })

  it('says what is missing', async () => {
    await expect(load('none')).rejects.toMatchObject({ code: 'data/not-found' })
    await mkdir(folder('single/a'), { recursive: true })
    await expect(load('single')).rejects.toThrow(/at least two sub-folders, one a class, found 1/)
    await mkdir(folder('single/b'))
    await expect(load('single')).rejects.toThrow(/images for the train split .* found none/)
    for (const options of [':size=0', ':channels=2', ':side=3']) {
      await expect(load('single', options)).rejects.toMatchObject({ code: 'usage/bad-value' })
    }
  })

  it('is private: the card of a node that holds some says nothing of where they are', async () => {
    await greys('node/train', ['a', 'b'], 4)
    await mkdir(folder('node/test'))
    const { train, card } = await openClientData({
      ...{ data: `images:${folder('node')}:size=1`, partition: 'iid', shard: '2/2' },
      testFraction: 0,
    })
    expect(card).toEqual({ inputShape: [1, 1, 3], classes: ['a', 'b'] })
    expect(train.source.count).toBe(4)
  })
})
