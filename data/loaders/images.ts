import { FederationError } from '#protocol/errors.js'
import { everyIndex } from '#data/dataset.js'
import { parseClassNames } from '#data/formats/class-names.js'
import { decodeImages } from '#data/formats/decode-image.js'
import { listImages, type ImageFolder } from '#data/formats/image-folder.js'
import { wholeOption } from '#data/formats/option-numbers.js'
import { pickPixels } from '#data/formats/pixels.js'
import type { Loader, LoadRequest } from './loader.js'

interface ImageFile {
  readonly label: number
  readonly path: string
}

/** The first image of each class, then the second of each …, so that a limit keeps classes as balanced as they are. */
function inTurns({ perClass }: ImageFolder): readonly ImageFile[] {
  const longest = perClass.reduce((most, paths) => Math.max(most, paths.length), 0)
  return Array.from({ length: longest }, (_, turn) =>
    perClass.flatMap((paths, label) => {
      const path = paths[turn]
      return path === undefined ? [] : [{ label, path }]
    }),
  ).flat()
}

function channelsOf({ channels = '3' }: LoadRequest['options']): number {
  if (channels === '1' || channels === '3') return Number(channels)
  throw new FederationError('usage/bad-value', `channels=${channels}: expected 1 (grey) or 3`)
}

/**
 * A folder with a sub-folder of images for each class; the sub-folders' names, sorted, are the classes. png, jpg, webp, gif,
 * tiff and avif, in any spelling; hidden and other files are passed over. `size=N` (32) is the side to which the images are
 * cut and scaled, `channels=1` makes them grey; pixels become value / 255. `classes=a,b,c` fixes the classes and their
 * order, which a node needs that may lack one; an empty sub-folder does the same.
 *
 * A folder that holds `train` and `test`, each with the class folders, is split so. Otherwise the test split is a fifth of the
 * files, chosen by a hash of class and file name. Only the labels are read at first: rows are decoded when they are asked for.
 */
export const images: Loader = {
  name: 'images',
  usage: 'images:DIRECTORY[:size=N][:channels=1|3][:classes=a,b,c]',
  summary: 'a folder of images, one sub-folder a class',
  path: 'required',
  options: ['size', 'channels', 'classes'],
  reproducible: false,
  open: async ({ path, split, options, limit }) => {
    const size = wholeOption(options, 'size', { min: 1, max: 4096, otherwise: 32 })
    const channels = channelsOf(options)
    const given = options['classes'] === undefined ? null : parseClassNames(options['classes'])
    const folder = await listImages(path, split, given)
    const files = inTurns(folder).slice(0, limit)
    return {
      inputShape: [size, size, channels],
      classes: folder.classes,
      labels: Int32Array.from(files, ({ label }) => label),
      features: async (indices) => {
        const paths = Array.from(indices, (row) => files[row]!.path)
        const bytes = await decodeImages(paths, { size, channels })
        return pickPixels(bytes, size * size * channels, everyIndex(indices.length))
      },
    }
  },
}
