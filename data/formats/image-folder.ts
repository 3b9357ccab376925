import { createHash } from 'node:crypto'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { corrupt, notFound } from '#data/files.js'
import type { Split } from '#data/loaders/loader.js'

export interface ImageFolder {
  /** Names of the class folders, sorted. */
  readonly classes: readonly string[]
  /** Paths of the images of each class, sorted. */
  readonly perClass: readonly (readonly string[])[]
}

const IMAGE = /\.(?:png|jpe?g|webp|gif|tiff?|avif)$/i
/** The longest class name that a data card can hold. */
const LONGEST_NAME = 100
/** Of an unsplit folder, one file in so many is for testing. */
const TEST_SHARE = 5

interface Entries {
  readonly folders: readonly string[]
  readonly images: readonly string[]
}

/** Sub-folders and images in a folder, sorted by code unit, links followed. Hidden names and other files are passed over. */
async function entriesOf(directory: string): Promise<Entries> {
  const found = await readdir(directory, { withFileTypes: true }).catch(() => null)
  if (found === null) throw notFound(directory, 'a folder of images')
  const folders: string[] = []
  const images: string[] = []
  for (const entry of found) {
    if (entry.name.startsWith('.')) continue
    const info = entry.isSymbolicLink()
      ? await stat(join(directory, entry.name)).catch(() => null)
      : entry
    if (info?.isDirectory() === true) folders.push(entry.name)
    else if (info?.isFile() === true && IMAGE.test(entry.name)) images.push(entry.name)
  }
  return { folders: folders.sort(), images: images.sort() }
}

/** Hangs on the class and the name of the file alone: other files may come and go without moving it to the other split. */
function isForTesting(label: string, name: string): boolean {
  const digest = createHash('sha256').update(`${label}/${name}`).digest()
  return digest.readUInt32BE(0) % TEST_SHARE === 0
}

async function imagesIn(directory: string, label: string): Promise<readonly string[]> {
  const { images } = await entriesOf(join(directory, label))
  return images
}

/** With both a `train` and a `test` folder these are the splits; otherwise the files are divided by the hash of their names. */
async function findClasses(
  directory: string,
  split: Split,
): Promise<{ names: readonly string[]; imagesOf: (label: string) => Promise<readonly string[]> }> {
  const { folders } = await entriesOf(directory)
  if (!folders.includes('train') || !folders.includes('test')) {
    const imagesOf = async (label: string) =>
      (await imagesIn(directory, label))
        .filter((name) => isForTesting(label, name) === (split === 'test'))
        .map((name) => join(directory, label, name))
    return { names: folders, imagesOf }
  }
  const [train, test] = await Promise.all(
    ['train', 'test'].map((one) => entriesOf(join(directory, one))),
  )
  const here = join(directory, split)
  const own = split === 'train' ? train : test
  const imagesOf = async (label: string) =>
    own?.folders.includes(label) === true
      ? (await imagesIn(here, label)).map((name) => join(here, label, name))
      : []
  // A class of one split is a class of the other, too: labels must mean the same in both.
  const both = new Set([...(train?.folders ?? []), ...(test?.folders ?? [])])
  return { names: [...both].sort(), imagesOf }
}

function checkNames(directory: string, names: readonly string[], fixed: boolean): void {
  if (!fixed && names.length < 2)
    throw corrupt(directory, 'at least two sub-folders, one a class', `${names.length}`)
  const long = names.find((name) => name.length > LONGEST_NAME)
  if (long !== undefined)
    throw corrupt(directory, `class names of at most ${LONGEST_NAME} characters`, `"${long}"`)
}

/**
 * The images of one split, class by class. `given` fixes the classes and their order; without it they are the sub-folders,
 * sorted. A class may be without images. Throws data/not-found, and data/corrupt for a folder that is none of the classes.
 */
export async function listImages(
  directory: string,
  split: Split,
  given: readonly string[] | null,
): Promise<ImageFolder> {
  const { names, imagesOf } = await findClasses(directory, split)
  checkNames(directory, names, given !== null)
  const classes = given ?? names
  const strange = names.find((name) => !classes.includes(name))
  if (strange !== undefined)
    throw corrupt(directory, `sub-folders named ${classes.join(', ')}`, `"${strange}"`)
  const perClass: (readonly string[])[] = []
  for (const label of classes) perClass.push(names.includes(label) ? await imagesOf(label) : [])
  if (perClass.every((paths) => paths.length === 0))
    throw corrupt(directory, `images for the ${split} split in sub-folders, one a class`, 'none')
  return { classes, perClass }
}
