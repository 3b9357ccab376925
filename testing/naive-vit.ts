/**
 * A Vision Transformer in plain double precision loops, one number at a time, on weights as timm's checkpoints name and lay
 * them out: linear weights [out, in], the patch kernel [D, channels, patch, patch]. What the model is compared with.
 */
export interface NaiveVit {
  readonly patchSize: number
  readonly width: number
  readonly depth: number
  readonly heads: number
  readonly weights: ReadonlyMap<string, ArrayLike<number>>
}
type Rows = readonly (readonly number[])[]

const range = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i)
const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0)

/** Features of one image [height, width, channels], rows of pixels one after another. */
export function naiveFeatures(
  vit: NaiveVit,
  image: ArrayLike<number>,
  shape: readonly number[],
): readonly number[] {
  let tokens = embedded(vit, image, shape)
  for (const block of range(vit.depth)) tokens = throughBlock(vit, `blocks.${block}.`, tokens)
  return normed(vit, 'norm', tokens)[0]!
}

function embedded(vit: NaiveVit, image: ArrayLike<number>, shape: readonly number[]): Rows {
  const { patchSize: p, width } = vit
  const [height = 0, columns = 0, channels = 0] = shape
  const kernel = of(vit, 'patch_embed.proj.weight')
  const bias = of(vit, 'patch_embed.proj.bias')
  const patches = range(height / p).flatMap((row) =>
    range(columns / p).map((column) =>
      range(width).map((d) => {
        let value = bias[d]!
        for (const c of range(channels)) {
          for (const y of range(p)) {
            for (const x of range(p)) {
              const pixel = image[((row * p + y) * columns + column * p + x) * channels + c]!
              value += kernel[((d * channels + c) * p + y) * p + x]! * pixel
            }
          }
        }
        return value
      }),
    ),
  )
  const first = Array.from(of(vit, 'cls_token'))
  const positions = of(vit, 'pos_embed')
  return [first, ...patches].map((token, t) =>
    token.map((value, d) => value + positions[t * width + d]!),
  )
}

function throughBlock(vit: NaiveVit, at: string, tokens: Rows): Rows {
  const qkv = linear(vit, `${at}attn.qkv`, normed(vit, `${at}norm1`, tokens))
  const mixed = linear(vit, `${at}attn.proj`, attended(vit, qkv))
  const u = added(tokens, mixed)
  const hidden = linear(vit, `${at}mlp.fc1`, normed(vit, `${at}norm2`, u))
  const active = hidden.map((row) => row.map(gelu))
  return added(u, linear(vit, `${at}mlp.fc2`, active))
}

function attended({ width, heads }: NaiveVit, qkv: Rows): Rows {
  const size = width / heads
  return qkv.map((row) =>
    range(heads).flatMap((head) => {
      const [q, k, v] = [0, width, 2 * width].map((start) => start + head * size) as [
        number,
        number,
        number,
      ]
      const scores = qkv.map((other) =>
        Math.exp(sum(range(size).map((i) => row[q + i]! * other[k + i]!)) / Math.sqrt(size)),
      )
      return range(size).map(
        (i) => sum(qkv.map((other, t) => scores[t]! * other[v + i]!)) / sum(scores),
      )
    }),
  )
}

const added = (a: Rows, b: Rows): Rows =>
  a.map((row, t) => row.map((value, i) => value + b[t]![i]!))

function linear(vit: NaiveVit, name: string, rows: Rows): Rows {
  const weight = of(vit, `${name}.weight`)
  const bias = of(vit, `${name}.bias`)
  return rows.map((row) =>
    Array.from(
      bias,
      (value, out) => value + sum(row.map((x, i) => x * weight[out * row.length + i]!)),
    ),
  )
}

function normed(vit: NaiveVit, name: string, rows: Rows): Rows {
  const weight = of(vit, `${name}.weight`)
  const bias = of(vit, `${name}.bias`)
  return rows.map((row) => {
    const mean = sum(row) / row.length
    const variance = sum(row.map((value) => (value - mean) ** 2)) / row.length
    return row.map(
      (value, i) => ((value - mean) / Math.sqrt(variance + 1e-6)) * weight[i]! + bias[i]!,
    )
  })
}

const gelu = (x: number): number => 0.5 * x * (1 + erf(x / Math.SQRT2))

/** Its power series; good to 1e-10 for |x| < 4. */
function erf(x: number): number {
  let [term, total] = [x, x]
  for (let n = 1; n < 100; n++) {
    term *= (-x * x) / n
    total += term / (2 * n + 1)
  }
  return (2 / Math.sqrt(Math.PI)) * total
}

function of({ weights }: NaiveVit, name: string): ArrayLike<number> {
  const found = weights.get(name)
  if (found === undefined) throw new RangeError(`The reference needs ${name}`)
  return found
}
