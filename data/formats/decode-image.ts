import { readFile } from 'node:fs/promises'
import type { SharpConstructor } from 'sharp'
import { FederationError } from '#protocol/errors.js'
import { corrupt } from '#data/files.js'

/** What an image becomes: `size` × `size` pixels of 1 (grey) or 3 channels. */
export interface ImageForm {
  readonly size: number
  readonly channels: number
}

/** Loaded only when images are: a machine for which the package brings no binary can do everything else. */
async function loadSharp(): Promise<SharpConstructor> {
  try {
    return (await import('sharp')).default
  } catch (cause) {
    const message = 'The package sharp, which decodes images, is missing or has no binary here'
    throw new FederationError('data/not-found', `${message}; run: npm install sharp`, { cause })
  }
}

/**
 * The pixels of an image file as bytes in [size, size, channels] order. The middle of the image is scaled to fill the square
 * and its longer side is cut off; a photograph is turned upright as its camera says; transparent parts become black.
 */
async function decodeImage(
  sharp: SharpConstructor,
  path: string,
  { size, channels }: ImageForm,
): Promise<Uint8Array> {
  try {
    // Not by path: the library would keep what it read and not see that a file has changed.
    const { data, info } = await sharp(await readFile(path))
      .autoOrient()
      .flatten({ background: '#000' })
      .resize(size, size, { fit: 'cover' })
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true })
    if (info.channels === channels) return data
    throw corrupt(path, `an image of ${channels} channels`, `${info.channels}`)
  } catch (error) {
    if (error instanceof FederationError) throw error
    throw corrupt(path, 'an image', error instanceof Error ? error.message : String(error))
  }
}

/** So many at a time: enough to keep the library's threads busy, few enough to hold their files in memory. */
const AT_ONCE = 16

/** Image after image in one array of bytes. Throws data/corrupt at the first file that holds no whole image. */
export async function decodeImages(paths: readonly string[], form: ImageForm): Promise<Uint8Array> {
  const sharp = await loadSharp()
  const bytes = form.size * form.size * form.channels
  const out = new Uint8Array(paths.length * bytes)
  for (let start = 0; start < paths.length; start += AT_ONCE) {
    const some = paths.slice(start, start + AT_ONCE)
    const images = await Promise.all(some.map((path) => decodeImage(sharp, path, form)))
    images.forEach((image, i) => out.set(image, (start + i) * bytes))
  }
  return out
}
