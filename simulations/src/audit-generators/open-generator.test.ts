import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { useBackend } from '#algorithms/tensor/backends.js'
import { openGenerator } from './open-generator.js'

const MODULE = `export async function openGenerator({ tf }) {
  const weights = [tf.tensor(Array.from({ length: 32 }, (_, i) => Math.sin(1 + i)), [2, 16])]
  return {
    name: 'mine', latentDim: 2, conditional: false, classes: 3, trainedOn: 'public data', weights,
    blocks: [
      { outputShape: [16], apply: (z, _c, [kernel]) => tf.matMul(z, kernel) },
      { outputShape: [16], apply: (h) => tf.tanh(h) },
      { outputShape: [4, 4, 1], apply: (h) => tf.reshape(tf.sigmoid(h), [h.shape[0], 4, 4, 1]) },
    ],
  }
}`

describe('the generator that an audit names', () => {
  let directory: string
  beforeAll(async () => {
    await useBackend('wasm')
    directory = await mkdtemp(join(tmpdir(), 'tributary-generators-'))
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))
  const written = async (name: string, text: string): Promise<string> => {
    await writeFile(join(directory, name), text)
    return join(directory, name)
  }

  it('is none, or the one that comes with the product', async () => {
    expect(await openGenerator(null)).toBeNull()
    const tiny = await openGenerator('tiny')
    expect(tiny).toMatchObject({ imageShape: [16, 16, 1], classes: 10, lastFeature: 3 })
    tiny?.dispose()
  })

  it("is a module of the user's own, as the documentation writes it", async () => {
    const page = await readFile(new URL('../../../docs/generators.md', import.meta.url), 'utf8')
    const start = page.indexOf('    import { readFile }')
    const end = page.indexOf('\n    }\n', start)
    expect(start).toBeGreaterThan(0)
    const code = page.slice(start, end + 6).replaceAll(/^ {4}/gm, '')
    const values = Array.from({ length: 32 }, (_, i) => Math.cos(i))
    await written('weights.json', JSON.stringify({ shape: [2, 16], values }))
    const generator = await openGenerator({ module: await written('documented.mjs', code) })
    expect(generator).toMatchObject({ name: 'my decoder', imageShape: [4, 4, 1] })
    generator?.dispose()
  })

  it("is a module of the user's own, whose hash changes with its text and its weights", async () => {
    const hashes: string[] = []
    const texts = [MODULE, MODULE, MODULE.replace('1 + i', '2 + i'), `${MODULE} // later`]
    for (const [i, text] of texts.entries()) {
      const generator = await openGenerator({ module: await written(`g${i}.mjs`, text) })
      expect(generator).toMatchObject({ name: 'mine', imageShape: [4, 4, 1] })
      hashes.push(generator!.hash)
      generator?.dispose()
    }
    expect(hashes[1]).toBe(hashes[0])
    expect(new Set(hashes).size).toBe(3)
  })

  it('has another hash where the module reads other weights from a file', async () => {
    const data = await written('weights.json', JSON.stringify(Array(32).fill(0.5)))
    const reading = MODULE.replace(
      'export async function',
      `import { readFileSync } from 'node:fs'\nexport async function`,
    ).replace(
      'Array.from({ length: 32 }, (_, i) => Math.sin(1 + i))',
      `JSON.parse(readFileSync(${JSON.stringify(data)}, 'utf8'))`,
    )
    const module = await written('reading.mjs', reading)
    const hashes = []
    for (const first of [0.5, 0.6]) {
      await writeFile(data, JSON.stringify([first, ...Array<number>(31).fill(0.5)]))
      const generator = await openGenerator({ module })
      hashes.push(generator!.hash)
      generator?.dispose()
    }
    expect(new Set(hashes).size).toBe(2)
  })

  it.each([
    ['another export', 'export const generator = {}', /exports no function openGenerator/],
    ['a syntax error', 'export const = 1', /cannot be used/],
    ['an error of its own', 'export const openGenerator = () => { throw Error("no") }', /: no/],
    ['too little', 'export const openGenerator = () => ({})', /name must be a text/],
    ['values above 1', MODULE.replace('tf.sigmoid(h)', 'tf.add(h, 2)'), /in \[0, 1\]/],
  ])('is refused for a module with %s', async (why, text, says) => {
    const module = await written(`${why.replaceAll(' ', '-')}.mjs`, text)
    await expect(openGenerator({ module })).rejects.toMatchObject({
      code: 'audit/bad-generator',
      message: expect.stringMatching(says) as unknown,
    })
  })

  it('is refused for other files and for none', async () => {
    const file = await written('text.bundle', 'not a bundle')
    await expect(openGenerator({ file })).rejects.toMatchObject({ code: 'audit/bad-generator' })
    for (const missing of [{ file: 'missing.bundle' }, { module: 'missing.mjs' }]) {
      await expect(openGenerator(missing)).rejects.toMatchObject({ code: 'data/not-found' })
    }
  })
})
