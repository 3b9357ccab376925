import { createStreams, type Streams } from '#protocol/random.js'
import { FederationError } from '#protocol/errors.js'
import { numbered } from '#data/formats/class-names.js'
import { drawDigit } from '#data/formats/digits.js'
import { wholeOption } from '#data/formats/option-numbers.js'
import type { Loader, LoadRequest } from './loader.js'

const PURPOSE = { train: 'synthetic-train', test: 'synthetic-test' }

/** How to make one row of a class. `index` is the row's number in its split. */
interface Recipe {
  readonly inputShape: readonly number[]
  readonly classes: number
  row(label: number, index: number): Float32Array
}

/** Class centres are standard normal points times `2`; rows lie around theirs with standard deviation 1. */
function blobs({ options, split }: LoadRequest, streams: Streams): Recipe {
  const classes = wholeOption(options, 'classes', { min: 2, max: 1000, otherwise: 10 })
  const size = wholeOption(options, 'features', { min: 1, max: 100_000, otherwise: 20 })
  const centres = Array.from({ length: classes }, (_, label) => {
    const stream = streams('synthetic-centre', label, 0)
    return Float64Array.from({ length: size }, () => 2 * stream.normal())
  })
  const row = (label: number, index: number): Float32Array => {
    const stream = streams(PURPOSE[split], index, 0)
    return Float32Array.from(centres[label]!, (centre) => centre + stream.normal())
  }
  return { inputShape: [size], classes, row }
}

function digits({ options, split }: LoadRequest, streams: Streams): Recipe {
  const side = wholeOption(options, 'side', { min: 8, max: 64, otherwise: 16 })
  return {
    inputShape: [side, side, 1],
    classes: 10,
    row: (label, index) => drawDigit(label, side, streams(PURPOSE[split], index, 0)),
  }
}

function recipeOf(request: LoadRequest, streams: Streams): Recipe {
  if (request.path === '' || request.path === 'blobs') return blobs(request, streams)
  if (request.path === 'digits') return digits(request, streams)
  throw new FederationError(
    'usage/bad-value',
    `synthetic:${request.path}: expected blobs or digits`,
  )
}

/**
 * Made-up data for tests and examples: Gaussian blobs, or digits of a seven-segment display drawn with jitter and noise.
 * Row i has label i mod classes and comes from its own random stream, so any rows can be made without the others. The
 * test split has a fifth as many rows as the training split (`count`), from other streams.
 */
export const synthetic: Loader = {
  name: 'synthetic',
  usage: 'synthetic[:blobs|digits][:count=N][:seed=N][:classes=N][:features=N][:side=N]',
  summary: 'seeded Gaussian blobs or small drawn digits, for tests',
  path: 'optional',
  options: ['count', 'seed', 'classes', 'features', 'side'],
  reproducible: true,
  open: async (request) => {
    const seed = wholeOption(request.options, 'seed', { min: 0, max: 2 ** 48, otherwise: 0 })
    const count = wholeOption(request.options, 'count', {
      min: 1,
      max: 10_000_000,
      otherwise: 2000,
    })
    const recipe = recipeOf(request, createStreams(seed))
    const rows = Math.min(request.limit, request.split === 'train' ? count : Math.ceil(count / 5))
    const size = recipe.inputShape.reduce((product, length) => product * length, 1)
    return {
      inputShape: recipe.inputShape,
      classes: numbered(recipe.classes),
      labels: Int32Array.from({ length: rows }, (_, i) => i % recipe.classes),
      features: async (indices) => {
        const out = new Float32Array(indices.length * size)
        indices.forEach((index, at) =>
          out.set(recipe.row(index % recipe.classes, index), at * size),
        )
        return out
      },
    }
  },
}
