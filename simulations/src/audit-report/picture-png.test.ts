import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { pictureUrl } from './picture-png.js'

async function decoded(url: string) {
  expect(url).toMatch(/^data:image\/png;base64,[A-Za-z0-9+/]+=*$/)
  const bytes = Buffer.from(url.slice(url.indexOf(',') + 1), 'base64')
  const { width, height, channels } = await sharp(bytes).metadata()
  const image = sharp(bytes).toColourspace(channels === 1 ? 'b-w' : 'srgb')
  return { values: [...(await image.raw().toBuffer())], width, height, channels }
}

describe('pictures of a report', () => {
  it('are grey for one channel, cut to [0, 1]', async () => {
    const url = await pictureUrl(Float32Array.of(0, 0.5, 1, -3, 2, 0.2), {
      ...{ height: 2, width: 3, channels: 1 },
    })
    // 0.5 × 255 = 127.5, which rounds up; 0.2 × 255 = 51.
    const { values, ...size } = await decoded(url)
    expect(size).toEqual({ width: 3, height: 2, channels: 1 })
    expect(values).toEqual([0, 128, 255, 0, 255, 51])
  })
  it('are in colour for three', async () => {
    const url = await pictureUrl(Float32Array.of(1, 0, 0, 0, 0.4, 1), {
      ...{ height: 1, width: 2, channels: 3 },
    })
    expect(await decoded(url)).toEqual({
      ...{ values: [255, 0, 0, 0, 102, 255], width: 2, height: 1, channels: 3 },
    })
  })
  it('show any other number of channels side by side', async () => {
    // Two rows of two pixels with two channels: the first channel is 0, 0.2, 0.4, 0.6, the second 1 throughout.
    const pixels = Float32Array.of(0, 1, 0.2, 1, 0.4, 1, 0.6, 1)
    const url = await pictureUrl(pixels, { height: 2, width: 2, channels: 2 })
    expect(await decoded(url)).toEqual({
      ...{ values: [0, 51, 255, 255, 102, 153, 255, 255], width: 4, height: 2, channels: 1 },
    })
  })
  it('are the same for the same values', async () => {
    const shape = { height: 28, width: 28, channels: 1 }
    const pixels = Float32Array.from({ length: 784 }, (_, i) => (i % 29) / 28)
    expect(await pictureUrl(pixels, shape)).toBe(await pictureUrl(pixels, shape))
  })
  it('are refused where values are missing or none', async () => {
    const shape = { height: 1, width: 2, channels: 1 }
    await expect(pictureUrl(Float32Array.of(1), shape)).rejects.toMatchObject({
      code: 'internal/bug',
    })
    await expect(pictureUrl(Float32Array.of(1, NaN), shape)).rejects.toMatchObject({
      code: 'internal/bug',
    })
  })
})
