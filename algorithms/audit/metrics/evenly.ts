import type { Examples } from '#data/dataset.js'

/** At most so many of the examples, at even distances, so that sorted data stay mixed. */
export function evenly({ source, indices }: Examples, most: number): Examples {
  if (indices.length <= most) return { source, indices }
  const picked = Int32Array.from(
    { length: most },
    (_, i) => indices[Math.floor((i * indices.length) / most)]!,
  )
  return { source, indices: picked }
}
