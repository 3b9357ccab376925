import { rowSize } from '#data/dataset.js'
import { corrupt } from '#data/files.js'
import { parseClassNames, sortedClasses } from '#data/formats/class-names.js'
import { readJsonLines } from '#data/formats/json-lines.js'
import type { Loader } from './loader.js'

/** [28, 28] is a grey image and gets its channel; other shapes are kept. */
const withChannel = (shape: readonly number[]): readonly number[] =>
  shape.length === 2 ? [...shape, 1] : shape

/**
 * JSON lines: an object in each line, with a list of numbers under `features=KEY` (`features`) and a text or a number under
 * `label=KEY` (`label`); other keys are passed over. Nested lists give the shape, which must be the same in every line: two
 * deep is a grey image and gets its channel. Values are taken as they stand. Labels become the class names, sorted;
 * `classes=a,b,c` fixes them instead, which a node needs that may lack a class. A file has no splits: both mean all its rows.
 */
export const jsonl: Loader = {
  name: 'jsonl',
  usage: 'jsonl:FILE[:label=KEY][:features=KEY][:classes=a,b,c]',
  summary: 'a file of JSON lines with features and a label',
  path: 'required',
  options: ['label', 'features', 'classes'],
  reproducible: false,
  open: async ({ path, options, limit }) => {
    const given = options['classes'] === undefined ? null : parseClassNames(options['classes'])
    const { label = 'label', features = 'features' } = options
    const lines = await readJsonLines(path, { label, features, classes: given, limit })
    const classes = given ?? sortedClasses(lines.labels)
    if (classes.length < 2)
      throw corrupt(path, 'at least two different labels', `${classes.length}`)
    const places = new Map(classes.map((name, i) => [name, i]))
    const size = rowSize(lines.shape)
    return {
      inputShape: withChannel(lines.shape),
      classes,
      labels: Int32Array.from(lines.labels, (name) => places.get(name)!),
      features: async (indices) => {
        const out = new Float32Array(indices.length * size)
        indices.forEach((row, at) => out.set(lines.rows[row]!, at * size))
        return out
      },
    }
  },
}
