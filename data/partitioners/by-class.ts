import { countLabels } from '#data/dataset.js'

/** The rows of each class, in ascending order. */
export function rowsByClass(labels: Int32Array, classes: number): Int32Array[] {
  const rows = countLabels(labels, classes).map((count) => new Int32Array(count))
  const filled = new Int32Array(classes)
  labels.forEach((label, row) => {
    rows[label]![filled[label]!++] = row
  })
  return rows
}
