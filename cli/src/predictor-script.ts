/** `predict.mjs` of an export: the smallest program that predicts with what a run released. */
export const PREDICTOR_SCRIPT = `// Reads rows of numbers as JSON lines, [x, x, …] scaled as in training, and prints one prediction a line.
//   node predict.mjs < rows.jsonl
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { openModel } from 'tributary'

const model = await openModel(fileURLToPath(new URL('model.bundle', import.meta.url)))
for await (const line of createInterface({ input: process.stdin })) {
  if (line.trim() === '') continue
  // The query chooses entries of the pool; their mean adapts the backbone for this row alone.
  const [prediction] = await model.predict(Float32Array.from(JSON.parse(line).flat(Infinity)))
  process.stdout.write(JSON.stringify(prediction) + '\\n')
}
model.dispose()
`
