export interface SafeTensorSource {
  readonly name: string
  readonly dtype: string
  readonly shape: readonly number[]
  readonly data: Float32Array | Uint16Array
}

/** A file as the safetensors library writes it, except that tensors keep their order. */
export function safetensorsFile(tensors: readonly SafeTensorSource[]): Uint8Array {
  let at = 0
  const entries = tensors.map(({ name, dtype, shape, data }) => {
    const begin = at
    at += data.byteLength
    return [name, { dtype, shape, data_offsets: [begin, at] }] as const
  })
  const header = Buffer.from(
    JSON.stringify({ __metadata__: { format: 'pt' }, ...Object.fromEntries(entries) }),
  )
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.length))
  const values = tensors.map(({ data }) =>
    Buffer.from(data.buffer, data.byteOffset, data.byteLength),
  )
  return Buffer.concat([length, header, ...values])
}
