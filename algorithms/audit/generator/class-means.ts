import { rowSize, type Dataset } from '#data/dataset.js'

/** The mean picture of every class, one after another; zeros for a class without rows. */
export function classMeans({ features, labels, classes, inputShape }: Dataset): Float32Array {
  const size = rowSize(inputShape)
  const sums = new Float64Array(classes.length * size)
  const counts = new Float64Array(classes.length)
  labels.forEach((label, row) => {
    counts[label]! += 1
    for (let i = 0; i < size; i++) sums[label * size + i]! += features[row * size + i]!
  })
  return Float32Array.from(sums, (sum, at) => sum / Math.max(counts[Math.floor(at / size)]!, 1))
}
