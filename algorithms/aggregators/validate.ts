import { BYTES_PER_ELEMENT, tensorOf } from '#protocol/bundle.js'
import type { Bundle, NamedTensor, TensorSpec, TypedArray } from '#protocol/bundle.js'
import type { ErrorCode, Problem } from '#protocol/errors.js'
import { uplinkName } from '#protocol/uplink.js'
import type { UplinkGroup, UplinkTensor } from '#protocol/uplink.js'

export interface UpdateLimits {
  /** Largest weight one update may claim. */
  readonly maxExamples: number
}

const problem = (code: ErrorCode, message: string): Problem => ({ code, message })

/**
 * Everything that must hold before an update may count, checked without touching any accumulator: exactly the declared
 * tensors in declared order, shapes, dtypes, sizes, finite values inside the grid's range, an integer weight in
 * [1, maxExamples]. Null: it may count.
 */
export function validateUpdate(
  update: Bundle,
  weight: number,
  { uplink, maxExamples }: UpdateLimits & { readonly uplink: readonly UplinkGroup[] },
): Problem | null {
  return (
    checkWeight(weight, maxExamples) ??
    checkNames(update, uplink) ??
    first(uplink, (group) => checkGroup(update, group))
  )
}

function first<T>(items: readonly T[], check: (item: T) => Problem | null): Problem | null {
  for (const item of items) {
    const found = check(item)
    if (found !== null) return found
  }
  return null
}

function checkWeight(weight: number, maxExamples: number): Problem | null {
  if (Number.isInteger(weight) && weight >= 1 && weight <= maxExamples) return null
  return problem(
    'update/bad-weight',
    `Expected an integer weight in 1 … ${maxExamples}, got ${weight}`,
  )
}

function checkNames(update: Bundle, uplink: readonly UplinkGroup[]): Problem | null {
  const declared = uplink.flatMap((group) =>
    group.tensors.map((t) => uplinkName(group.name, t.name)),
  )
  const sent = update.tensors.map((tensor) => tensor.name)
  const at = declared.findIndex((name, i) => name !== sent[i])
  if (at >= 0) {
    return problem(
      'update/malformed',
      `Expected tensor ${declared[at] ?? ''} at place ${at}, got ${sent[at] ?? 'none'}`,
    )
  }
  if (sent.length === declared.length) return null
  return problem('update/malformed', `Tensor ${sent[declared.length] ?? ''} was not asked for`)
}

function checkGroup(update: Bundle, group: UplinkGroup): Problem | null {
  const specs = update.tensors.filter((spec) => spec.name.startsWith(`${group.name}/`))
  const bytes = specs.reduce((sum, spec) => sum + bytesOf(spec), 0)
  return (
    first(group.tensors, (tensor) => checkSpec(update, group, tensor)) ??
    (bytes > group.maxBytes
      ? problem(
          'update/malformed',
          `Group ${group.name} has ${bytes} bytes, at most ${group.maxBytes} are allowed`,
        )
      : null) ??
    first(group.tensors, (tensor) =>
      checkValues(tensorOf(update, uplinkName(group.name, tensor.name)), group),
    )
  )
}

const bytesOf = ({ shape, dtype }: TensorSpec): number =>
  shape.reduce((size, dimension) => size * dimension, BYTES_PER_ELEMENT[dtype])

function checkSpec(update: Bundle, group: UplinkGroup, declared: UplinkTensor): Problem | null {
  const name = uplinkName(group.name, declared.name)
  const sent = update.tensors.find((spec) => spec.name === name)
  const fits =
    sent !== undefined &&
    sent.dtype === declared.dtype &&
    sent.shape.length === declared.shape.length &&
    declared.shape.every((dimension, i) => dimension === null || dimension === sent.shape[i])
  if (fits) return null
  const asked = `${declared.dtype}[${declared.shape.map((d) => d ?? 'any').join(', ')}]`
  const got = sent === undefined ? 'none' : `${sent.dtype}[${sent.shape.join(', ')}]`
  return problem('update/malformed', `Tensor ${name}: expected ${asked}, got ${got}`)
}

function checkValues({ name, dtype, data }: NamedTensor, { grid }: UplinkGroup): Problem | null {
  const limit = grid?.maxAbs ?? Number.MAX_VALUE
  const at = dtype === 'float16' ? firstNonFiniteHalf(data) : firstBeyond(data, limit)
  if (at < 0) return null
  const value = data[at]!
  return dtype === 'float16' || !Number.isFinite(value)
    ? problem('update/not-finite', `Tensor ${name}: element ${at} is not finite`)
    : problem('update/out-of-range', `Tensor ${name}: element ${at} is ${value}, beyond ±${limit}`)
}

/** NaN and infinities are beyond every limit. */
function firstBeyond(data: TypedArray, limit: number): number {
  for (let i = 0; i < data.length; i++) if (!(Math.abs(data[i]!) <= limit)) return i
  return -1
}

/** float16 bit patterns: exponent 31 means infinity or NaN. */
function firstNonFiniteHalf(data: TypedArray): number {
  for (let i = 0; i < data.length; i++) if ((data[i]! & 0x7c00) === 0x7c00) return i
  return -1
}
