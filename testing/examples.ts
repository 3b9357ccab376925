import type { Dataset, Examples } from '#data/dataset.js'
import type { Stream } from '#protocol/random.js'

interface Labelled {
  readonly rows: readonly (readonly number[])[]
  readonly labels: readonly number[]
  readonly inputShape: readonly number[]
  readonly classes: readonly string[]
}

/** A small data set written out in a test. */
export function examplesFrom({ rows, labels, inputShape, classes }: Labelled): Examples {
  const source: Dataset = {
    name: 'test',
    inputShape,
    classes,
    count: rows.length,
    features: Float32Array.from(rows.flat()),
    labels: Int32Array.from(labels),
  }
  return { source, indices: Int32Array.from(rows.keys()) }
}

/** One Gaussian blob a class around its own corner of the cube: linearly separable, but not by much. */
export function blobs(
  stream: Stream,
  options: { count: number; inputShape: readonly number[]; classes: number },
): Examples {
  const size = options.inputShape.reduce((all, one) => all * one, 1)
  const centres = Array.from({ length: options.classes }, () =>
    Array.from({ length: size }, () => stream.integer(2)),
  )
  const labels = Array.from({ length: options.count }, (_, i) => i % options.classes)
  const rows = labels.map((label) =>
    (centres[label] ?? []).map((centre) => centre + 0.3 * stream.normal()),
  )
  const classes = Array.from({ length: options.classes }, (_, c) => `class ${c}`)
  return examplesFrom({ rows, labels, inputShape: options.inputShape, classes })
}
