import { open } from 'node:fs/promises'
import { isJsonObject, type JsonObject, type JsonValue } from '#protocol/json.js'
import { rowSize } from '#data/dataset.js'
import { corrupt, fileSize } from '#data/files.js'

export interface JsonLinesRequest {
  /** Keys of the features and of the label in each line's object. */
  readonly features: string
  readonly label: string
  /** Allowed labels; null: any. */
  readonly classes: readonly string[] | null
  readonly limit: number
}
export interface JsonLines {
  /** As the arrays are nested. */
  readonly shape: readonly number[]
  /** The values of each row, product(shape) of them. */
  readonly rows: readonly Float32Array[]
  readonly labels: readonly string[]
}

/** The longest class name and the deepest shape that a data card can hold. */
const [MAX_LABEL_LENGTH, MAX_DIMENSIONS] = [100, 4]

/** Where something is wrong. */
interface Line {
  readonly path: string
  readonly number: number
}
const wrong = ({ path, number }: Line, expected: string, found: string): Error =>
  corrupt(path, `${expected} in line ${number}`, found)

function parseLine(line: Line, text: string): JsonObject {
  let value: JsonValue
  try {
    value = JSON.parse(text) as JsonValue
  } catch (error) {
    throw wrong(line, 'JSON', error instanceof Error ? error.message : String(error))
  }
  if (isJsonObject(value)) return value
  throw wrong(line, 'an object {…}', Array.isArray(value) ? 'a list' : typeof value)
}

function valueAt(line: Line, object: JsonObject, key: string): JsonValue {
  const value = Object.hasOwn(object, key) ? object[key] : undefined
  if (value !== undefined) return value
  throw wrong(line, `the key "${key}"`, Object.keys(object).join(', ') || 'an empty object')
}

/** Lengths along the first of everything: [[1, 2, 3], …] begins a shape [2, 3] if there are two rows. */
function shapeOf(line: Line, value: JsonValue): readonly number[] {
  const shape: number[] = []
  let inner: JsonValue | undefined = value
  while (Array.isArray(inner)) {
    const list: readonly JsonValue[] = inner
    shape.push(list.length)
    inner = list[0]
  }
  if (shape.length > 0 && shape.length <= MAX_DIMENSIONS && !shape.includes(0)) return shape
  throw wrong(line, `a list of numbers, nested at most ${MAX_DIMENSIONS} deep`, show(value))
}

const show = (value: JsonValue): string => {
  const text = JSON.stringify(value)
  return text.length > 40 ? `${text.slice(0, 40)}…` : text
}
const times = (shape: readonly number[]): string => shape.join(' × ')

/** The numbers in order. Every list must be as long as the shape says. */
function flatten(line: Line, value: JsonValue, shape: readonly number[]): Float32Array {
  const out = new Float32Array(rowSize(shape))
  let filled = 0
  const add = (inner: JsonValue, depth: number): void => {
    if (depth === shape.length) {
      const number = typeof inner === 'number' ? Math.fround(inner) : Number.NaN
      if (!Number.isFinite(number)) throw wrong(line, 'finite numbers as features', show(inner))
      out[filled++] = number
      return
    }
    if (!Array.isArray(inner) || inner.length !== shape[depth]) {
      const length = Array.isArray(inner) ? `a list of ${inner.length}` : show(inner)
      throw wrong(line, `features of shape ${times(shape)}`, `${length} at depth ${depth + 1}`)
    }
    for (const one of inner as readonly JsonValue[]) add(one, depth + 1)
  }
  add(value, 0)
  return out
}

function labelOf(line: Line, value: JsonValue, classes: readonly string[] | null): string {
  if (typeof value !== 'string' && typeof value !== 'number')
    throw wrong(line, 'a text or a number as label', show(value))
  const label = String(value)
  if (label === '' || label.length > MAX_LABEL_LENGTH)
    throw wrong(line, `a label of 1 to ${MAX_LABEL_LENGTH} characters`, `one of ${label.length}`)
  if (classes === null || classes.includes(label)) return label
  throw wrong(line, `one of the labels ${classes.join(', ')}`, `"${label}"`)
}

/** Lines with their numbers from 1; empty ones are passed over. Reads no further than the consumer goes. */
async function* linesOf(path: string): AsyncGenerator<{ number: number; text: string }> {
  const file = await open(path)
  try {
    let number = 0
    for await (const line of file.readLines()) {
      number++
      const text = number === 1 ? line.replace(/^\uFEFF/, '') : line
      if (text.trim() !== '') yield { number, text }
    }
  } finally {
    await file.close()
  }
}

/** An object a line: features and a label under their keys. Throws data/not-found, or data/corrupt with the line's number. */
export async function readJsonLines(path: string, request: JsonLinesRequest): Promise<JsonLines> {
  await fileSize(path, 'a file of JSON lines')
  const rows: Float32Array[] = []
  const labels: string[] = []
  let shape: readonly number[] | null = null
  for await (const { number, text } of linesOf(path)) {
    if (rows.length >= request.limit) break
    const line = { path, number }
    const object = parseLine(line, text)
    const features = valueAt(line, object, request.features)
    shape ??= shapeOf(line, features)
    rows.push(flatten(line, features, shape))
    labels.push(labelOf(line, valueAt(line, object, request.label), request.classes))
  }
  if (shape === null) throw corrupt(path, 'at least one line', 'none')
  return { shape, rows, labels }
}
