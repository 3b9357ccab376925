/**
 * Vision Transformers as timm names and lays them out (https://github.com/huggingface/pytorch-image-models): linear weights
 * [out, in], the patch kernel [D, channels, patch, patch], qkv as q‖k‖v with heads inside each, as ours.
 */
import type { NamedTensor } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import { shapeText } from '#algorithms/models/blocks/block-maker.js'
import { backboneLayout } from '#algorithms/models/backbone.js'
import type { Model } from '#algorithms/models/model.js'
import { valuesOf, type SafeTensor } from './safetensors.js'

export interface ImportedBackbone {
  /** Params of all blocks but the head, in the order of the model. */
  readonly tensors: readonly NamedTensor[]
  /** Names of what the file holds beside: its own classifier. */
  readonly ignored: readonly string[]
}

/** How the values of one param lie in the file. */
interface Source {
  readonly name: string
  readonly shape: readonly number[]
  /** The place in the file of the value at a place of ours; absent: the same. */
  readonly placeOf?: (place: number) => number
}

const OPS: Readonly<Record<string, string>> = {
  ...{ ln1: 'norm1', qkv: 'attn.qkv', proj: 'attn.proj' },
  ...{ ln2: 'norm2', fc1: 'mlp.fc1', fc2: 'mlp.fc2' },
}
const KINDS: Readonly<Record<string, string>> = {
  ...{ kernel: 'weight', bias: 'bias', scale: 'weight', shift: 'bias' },
}

/**
 * The backbone of `model`, a vit, out of a checkpoint's tensors. Throws `model/does-not-fit` when a tensor is missing, has
 * another shape, or is one that this model has no place for: it would compute something else. Throws `model/unreadable` for values that are not finite.
 */
export function backboneFromTimm(
  model: Model,
  tensors: ReadonlyMap<string, SafeTensor>,
): ImportedBackbone {
  const sources = backboneLayout(model).params.map((param) => ({ param, source: sourceOf(param) }))
  const used = new Set(sources.map(({ source }) => source.name))
  const others = [...tensors.keys()].filter((name) => !used.has(name))
  const foreign = others.filter((name) => !name.startsWith('head.'))
  if (foreign.length > 0) {
    throw new FederationError(
      'model/does-not-fit',
      `${model.name} of this depth has no place for ${listed(foreign)}`,
    )
  }
  return {
    tensors: sources.map(({ param, source }) => ({
      ...{ name: param.name, shape: param.shape, dtype: 'float32' },
      data: taken(model.name, tensors.get(source.name), source),
    })),
    ignored: others,
  }
}

const listed = (names: readonly string[]): string =>
  names.length <= 4
    ? names.join(', ')
    : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`

function taken(model: string, found: SafeTensor | undefined, source: Source): Float32Array {
  const { name, shape, placeOf } = source
  if (found === undefined || shapeText(found.shape) !== shapeText(shape)) {
    throw new FederationError(
      'model/does-not-fit',
      `${model} needs ${name} ${shapeText(shape)}, the file has ${found === undefined ? 'none' : shapeText(found.shape)}`,
    )
  }
  const values = valuesOf(found)
  if (!values.every(Number.isFinite)) {
    throw new FederationError('model/unreadable', `Tensor ${name} holds NaN or infinity`)
  }
  return placeOf === undefined ? values : values.map((_, place) => values[placeOf(place)]!)
}

function sourceOf({ name, shape }: Pick<NamedTensor, 'name' | 'shape'>): Source {
  const [block = '', op = '', kind = ''] = name.split('/')
  const layer = /^block(\d+)$/.exec(block)
  if (layer === null) return sourceOutside(name, shape)
  const to = `blocks.${layer[1] ?? ''}.${OPS[op] ?? op}.${KINDS[kind] ?? kind}`
  return kind === 'kernel' ? transposed(to, shape) : { name: to, shape }
}

function sourceOutside(name: string, shape: readonly number[]): Source {
  switch (name) {
    case 'patch/kernel':
      return patchKernel(shape)
    case 'patch/bias':
      return { name: 'patch_embed.proj.bias', shape }
    case 'patch/cls':
      return { name: 'cls_token', shape: [1, 1, ...shape] }
    case 'patch/pos':
      return { name: 'pos_embed', shape: [1, ...shape] }
    case 'final/scale':
      return { name: 'norm.weight', shape }
    case 'final/shift':
      return { name: 'norm.bias', shape }
    default:
      throw new FederationError('model/does-not-fit', `No checkpoint of a vit has ${name}`)
  }
}

/** [in, out] from [out, in]. */
const transposed = (name: string, [inputs = 1, outputs = 1]: readonly number[]): Source => ({
  name,
  shape: [outputs, inputs],
  placeOf: (place) => (place % outputs) * inputs + Math.floor(place / outputs),
})

/** [patch, patch, channels, D] from [D, channels, patch, patch]. */
function patchKernel([rows = 1, columns = 1, channels = 1, width = 1]: readonly number[]): Source {
  const taps = rows * columns
  const placeOf = (place: number): number => {
    const input = Math.floor(place / width)
    const tap = Math.floor(input / channels)
    return ((place % width) * channels + (input % channels)) * taps + tap
  }
  return { name: 'patch_embed.proj.weight', shape: [width, channels, rows, columns], placeOf }
}
