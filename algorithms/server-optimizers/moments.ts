import { makeBundle } from '#protocol/bundle.js'
import type { Bundle } from '#protocol/bundle.js'

/** A state of flat float32 tensors, one a moment. */
export const moments = (tensors: Readonly<Record<string, Float32Array>>): Bundle =>
  makeBundle(
    Object.entries(tensors).map(([name, data]) => ({
      name,
      shape: [data.length],
      dtype: 'float32',
      data,
    })),
  )

export const zeros = (length: number): Float32Array => new Float32Array(length)
