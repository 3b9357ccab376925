/** Pictures of a report as data URLs: small PNG, the same bytes for the same values. */
import type { SharpConstructor } from 'sharp'
import { FederationError } from '#protocol/errors.js'

export interface PictureShape {
  readonly height: number
  readonly width: number
  readonly channels: number
}

/**
 * `pixels`: [height, width, channels] row by row, in [0, 1]; what lies outside is cut off. One channel is grey, three are red,
 * green and blue; of any other number each is a grey picture of its own, side by side.
 */
export async function pictureUrl(pixels: Float32Array, shape: PictureShape): Promise<string> {
  const { height, width, channels } = shape
  if (pixels.length !== height * width * channels)
    throw new FederationError(
      'internal/bug',
      `A picture of ${height}x${width}x${channels} cannot have ${pixels.length} values`,
    )
  const isPlain = channels === 1 || channels === 3
  const bytes = Uint8Array.from(isPlain ? pixels : sideBySide(pixels, shape), byteOf)
  const raw = isPlain
    ? { height, width, channels }
    : { height, width: width * channels, channels: 1 as const }
  const sharp = await loadSharp()
  const image = sharp(bytes, { raw: { ...raw, channels: raw.channels === 3 ? 3 : 1 } })
  const png = await image
    .toColourspace(raw.channels === 3 ? 'srgb' : 'b-w')
    .png({ compressionLevel: 9, adaptiveFiltering: false, palette: false })
    .toBuffer()
  return `data:image/png;base64,${png.toString('base64')}`
}

function byteOf(value: number): number {
  if (!Number.isFinite(value))
    throw new FederationError('internal/bug', `A picture has a value that is no number: ${value}`)
  return Math.round(Math.min(1, Math.max(0, value)) * 255)
}

function sideBySide(pixels: Float32Array, { width, channels }: PictureShape): Float32Array {
  const row = width * channels
  return Float32Array.from(pixels, (_, i) => {
    const y = Math.floor(i / row)
    const channel = Math.floor((i % row) / width)
    return pixels[y * row + (i % width) * channels + channel] ?? 0
  })
}

/** Only where pictures are made: everything else works without it. */
async function loadSharp(): Promise<SharpConstructor> {
  try {
    return (await import('sharp')).default
  } catch (cause) {
    const message = 'The package sharp, which encodes pictures, is missing or has no binary here'
    throw new FederationError('data/not-found', `${message}; run: npm install sharp`, { cause })
  }
}
