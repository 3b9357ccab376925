/**
 * Rows of zeros need not travel. Every tensor of such a group has the same first axis; a row whose numbers are zero in all of
 * them is left out, and `group/#rows` [sent] int32 names the rows that are there, ascending. What arrives is completed before
 * anything looks at it, so the result is that of the full update. It tells which rows a client touched; so do the zeros.
 */
import { tensorOf } from '#protocol/bundle.js'
import type { Bundle, NamedTensor, TypedArray } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import { uplinkName } from '#protocol/uplink.js'
import type { UplinkGroup, UplinkTensor } from '#protocol/uplink.js'

const ROWS = '#rows'

/** The tensors of one group without their rows of zeros, and the numbers of the others first. */
export function withoutZeroRows(tensors: readonly NamedTensor[]): readonly NamedTensor[] {
  const count = tensors[0]?.shape[0] ?? 0
  const kept = Array.from({ length: count }, (_, row) => row).filter((row) =>
    tensors.some((tensor) => rowOf(tensor, row).some((value) => value !== 0)),
  )
  return [
    { name: ROWS, shape: [kept.length], dtype: 'int32', data: Int32Array.from(kept) },
    ...tensors.map((tensor) => picked(tensor, kept)),
  ]
}

const widthOf = ({ shape }: Pick<NamedTensor, 'shape'>): number =>
  shape.slice(1).reduce((product, size) => product * size, 1)

const rowOf = (tensor: NamedTensor, row: number): TypedArray => {
  const width = widthOf(tensor)
  return tensor.data.subarray(row * width, (row + 1) * width)
}

function picked(tensor: NamedTensor, rows: readonly number[]): NamedTensor {
  const width = widthOf(tensor)
  const data = tensor.data.slice(0, rows.length * width)
  rows.forEach((row, i) =>
    data.set(tensor.data.subarray(row * width, (row + 1) * width), i * width),
  )
  return { ...tensor, shape: [rows.length, ...tensor.shape.slice(1)], data }
}

/** The tensors of a group as it declares them, with its prefix. Throws `update/malformed` when its rows do not fit together. */
export function withAllRows(update: Bundle, group: UplinkGroup): readonly NamedTensor[] {
  const own = update.tensors.filter(({ name }) => name.startsWith(`${group.name}/`))
  if (own.length !== group.tensors.length + 1) {
    throw malformed(`Group ${group.name}: expected ${ROWS} and ${group.tensors.length} tensors`)
  }
  const rows = rowsIn(update, group)
  return group.tensors.map((declared) => completed(update, { group, declared, rows }))
}

function rowsIn(update: Bundle, { name: group, tensors }: UplinkGroup): Int32Array {
  const name = uplinkName(group, ROWS)
  const spec = update.tensors.find((one) => one.name === name)
  const count = tensors[0]?.shape[0] ?? 0
  if (spec?.dtype === 'int32' && spec.shape.length === 1) {
    const rows = tensorOf(update, name).data as Int32Array
    const isAscending = rows.every((row, i) => row > (i === 0 ? -1 : rows[i - 1]!) && row < count)
    if (isAscending) return rows
  }
  throw malformed(`Tensor ${name}: expected ascending row numbers below ${count} as int32`)
}

function completed(
  update: Bundle,
  {
    group,
    declared,
    rows,
  }: { readonly group: UplinkGroup; readonly declared: UplinkTensor; readonly rows: Int32Array },
): NamedTensor {
  const name = uplinkName(group.name, declared.name)
  const shape = declared.shape.map((size) => size ?? 0)
  const sent = [rows.length, ...shape.slice(1)]
  const spec = update.tensors.find((one) => one.name === name)
  if (spec?.dtype !== declared.dtype || spec.shape.join() !== sent.join()) {
    throw malformed(`Tensor ${name}: expected ${declared.dtype}[${sent.join(', ')}]`)
  }
  const { data } = tensorOf(update, name)
  const width = widthOf({ shape })
  const whole = new (data.constructor as new (length: number) => typeof data)(shape[0]! * width)
  rows.forEach((row, i) => whole.set(data.subarray(i * width, (i + 1) * width), row * width))
  return { name, shape, dtype: declared.dtype, data: whole }
}

const malformed = (message: string): FederationError =>
  new FederationError('update/malformed', message)
