import { everyIndex, rowSize, type Dataset, type Examples } from '#data/dataset.js'

/** The mean picture of the rows; zeros where there are none. */
export function meanPicture({ source, indices }: Examples): Float32Array {
  const size = rowSize(source.inputShape)
  const sums = new Float64Array(size)
  for (const row of indices) {
    for (let i = 0; i < size; i++) sums[i]! += source.features[row * size + i]!
  }
  return Float32Array.from(sums, (sum) => sum / Math.max(indices.length, 1))
}

/** The mean picture of every class, one after another; zeros for a class without rows. */
export function classMeans(source: Dataset): Float32Array {
  const size = rowSize(source.inputShape)
  const means = new Float32Array(source.classes.length * size)
  source.classes.forEach((_, label) => {
    const indices = everyIndex(source.count).filter((row) => source.labels[row] === label)
    means.set(meanPicture({ source, indices }), label * size)
  })
  return means
}
