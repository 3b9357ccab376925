import { createStreams, type Streams } from '#protocol/random.js'
import { FederationError } from '#protocol/errors.js'
import { rowSize } from '#data/dataset.js'
import { BITMAP_SIDE, drawBitmapDigit } from '#data/formats/bitmap-digits.js'
import { numbered } from '#data/formats/class-names.js'
import { drawDigit } from '#data/formats/digits.js'
import { drawGlyph, GLYPH_SIDE, glyphPrototype } from '#data/formats/glyphs.js'
import { wholeOption } from '#data/formats/option-numbers.js'
import { drawFromPrototypes, drawPrototype, PROTOTYPE_SIDE } from '#data/formats/prototypes.js'
import { drawStrokeDigits } from '#data/formats/stroke-digits.js'
import type { Loader, LoadRequest } from './loader.js'

const LARGEST_SET = 10_000_000
const PURPOSE = { train: 'synthetic-train', test: 'synthetic-test' }

/** How to make one row of a class. `index` is the row's number in its split. */
interface Recipe {
  readonly inputShape: readonly number[]
  readonly classes: readonly string[]
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
  return { inputShape: [size], classes: numbered(classes), row }
}

function digits({ options, split }: LoadRequest, streams: Streams): Recipe {
  const side = wholeOption(options, 'side', { min: 8, max: 64, otherwise: 16 })
  return {
    inputShape: [side, side, 1],
    classes: numbered(10),
    row: (label, index) => drawDigit(label, side, streams(PURPOSE[split], index, 0)),
  }
}

const bitmapDigits = ({ split }: LoadRequest, streams: Streams): Recipe => ({
  inputShape: [BITMAP_SIDE, BITMAP_SIDE, 1],
  classes: numbered(10),
  row: (label, index) => drawBitmapDigit(label, streams(PURPOSE[split], index, 0)),
})

/** `first` counts on in the prototypes of a seed: a set of other classes, of the same kind, to train a backbone on. */
function glyphs({ options, split }: LoadRequest, streams: Streams): Recipe {
  const count = wholeOption(options, 'classes', { min: 2, max: 1000, otherwise: 10 })
  const first = wholeOption(options, 'first', { min: 0, max: 1_000_000, otherwise: 0 })
  const prototypes = Array.from({ length: count }, (_, label) =>
    glyphPrototype(streams('synthetic-glyph', first + label, 0)),
  )
  return {
    inputShape: [GLYPH_SIDE, GLYPH_SIDE, 1],
    classes: prototypes.map((_, label) => String(first + label)),
    row: (label, index) => drawGlyph(prototypes[label]!, streams(PURPOSE[split], index, first)),
  }
}

function prototypes({ options, split }: LoadRequest, streams: Streams): Recipe {
  const count = wholeOption(options, 'classes', { min: 2, max: 1000, otherwise: 10 })
  const modes = wholeOption(options, 'modes', { min: 1, max: 1000, otherwise: 3 })
  const ofClass = Array.from({ length: count }, (_, label) =>
    Array.from({ length: modes }, (_, mode) =>
      drawPrototype(streams('synthetic-prototype', label, mode)),
    ),
  )
  return {
    inputShape: [PROTOTYPE_SIDE, PROTOTYPE_SIDE, 1],
    classes: numbered(count),
    row: (label, index) => drawFromPrototypes(ofClass[label]!, streams(PURPOSE[split], index, 0)),
  }
}

/** Pictures of any size and classes, so that an audit can draw canaries for any task on pictures. */
function strokeDigits({ options, split }: LoadRequest, streams: Streams): Recipe {
  const side = (key: string, otherwise: number): number =>
    wholeOption(options, key, { min: 8, max: 512, otherwise })
  const square = side('side', 16)
  const [height, width] = [side('height', square), side('width', square)]
  const channels = wholeOption(options, 'channels', { min: 1, max: 4, otherwise: 1 })
  const classes = wholeOption(options, 'classes', { min: 2, max: 1000, otherwise: 10 })
  const size = { height, width, channels }
  return {
    inputShape: [height, width, channels],
    classes: numbered(classes),
    row: (label, index) => drawStrokeDigits(label, size, streams(PURPOSE[split], index, 0)),
  }
}

const RECIPES = {
  ...{ blobs, digits, glyphs, prototypes },
  'bitmap-digits': bitmapDigits,
  'stroke-digits': strokeDigits,
}

function recipeOf(request: LoadRequest, streams: Streams): Recipe {
  const name = request.path === '' ? 'blobs' : request.path
  const found = Object.entries(RECIPES).find(([one]) => one === name)
  if (found !== undefined) return found[1](request, streams)
  throw new FederationError(
    'usage/bad-value',
    `synthetic:${request.path}: expected ${Object.keys(RECIPES).join(', ')}`,
  )
}

/** `count` rows to train on, `test` to test on: a fifth as many unless it is given. */
function rowsIn({ options, split, limit }: LoadRequest): number {
  const count = wholeOption(options, 'count', { min: 1, max: LARGEST_SET, otherwise: 2000 })
  const test = wholeOption(options, 'test', {
    ...{ min: 1, max: LARGEST_SET },
    otherwise: Math.ceil(count / 5),
  })
  return Math.min(limit, split === 'train' ? count : test)
}

/**
 * Made-up data for tests and examples: Gaussian blobs; digits of a seven-segment display drawn with jitter and noise;
 * digits of 5 × 7 dots, turned and stretched, in much noise; digits written with strokes, clean, on pictures of any size;
 * glyphs, random strokes that a linear model finds hard to tell apart; or smooth random prototypes, several to a class, so
 * that a model must learn what belongs together. Row i has label i mod classes and comes from its own random stream, so any
 * rows can be made without the others. The test split comes from other streams than the training split.
 */
export const synthetic: Loader = {
  name: 'synthetic',
  usage:
    'synthetic[:blobs|digits|bitmap-digits|stroke-digits|glyphs|prototypes][:count=N][:test=N][:seed=N][:classes=N][:features=N][:side=N][:height=N][:width=N][:channels=N][:first=N][:modes=N]',
  summary: 'seeded Gaussian blobs, small drawn digits, random glyphs or prototypes',
  path: 'optional',
  options: [
    ...['count', 'test', 'seed', 'classes', 'features'],
    ...['side', 'height', 'width', 'channels', 'first', 'modes'],
  ],
  reproducible: true,
  open: async (request) => {
    const seed = wholeOption(request.options, 'seed', { min: 0, max: 2 ** 48, otherwise: 0 })
    const recipe = recipeOf(request, createStreams(seed))
    const size = rowSize(recipe.inputShape)
    const classes = recipe.classes.length
    return {
      inputShape: recipe.inputShape,
      classes: recipe.classes,
      labels: Int32Array.from({ length: rowsIn(request) }, (_, i) => i % classes),
      features: async (indices) => {
        const out = new Float32Array(indices.length * size)
        indices.forEach((index, at) => out.set(recipe.row(index % classes, index), at * size))
        return out
      },
    }
  },
}
