import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'

/** An idx file of unsigned bytes. */
export function idxBytes(dimensions: readonly number[], values: readonly number[]): Buffer {
  const header = Buffer.alloc(4 + 4 * dimensions.length)
  header.set([0, 0, 8, dimensions.length])
  dimensions.forEach((size, i) => header.writeUInt32BE(size, 4 + 4 * i))
  return Buffer.concat([header, Buffer.from(values)])
}

/** A CIFAR record: labels, then red, green and blue planes whose values are functions of the pixel. */
export function cifarRecord(labels: readonly number[], red: (pixel: number) => number): Buffer {
  const plane = (of: (pixel: number) => number): number[] =>
    Array.from({ length: 1024 }, (_, pixel) => of(pixel) & 255)
  return Buffer.from([
    ...labels,
    ...plane(red),
    ...plane((pixel) => red(pixel) + 1),
    ...plane((pixel) => red(pixel) + 2),
  ])
}

interface TemporaryDirectory {
  /** Writes a file into it and tells its path. */
  readonly file: (name: string, content: Uint8Array | string) => Promise<string>
  readonly path: () => string
}

/** A directory that exists while the tests of one file run; call it at the top of the file. */
export function temporaryDirectory(): TemporaryDirectory {
  let directory = ''
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tributary-data-'))
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))
  return {
    path: () => directory,
    file: async (name, content) => {
      const path = join(directory, name)
      await writeFile(path, content)
      return path
    },
  }
}
