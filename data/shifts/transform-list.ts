import { brightness } from './brightness.js'
import { contrast } from './contrast.js'
import { invert } from './invert.js'
import { noise } from './noise.js'
import { offset } from './offset.js'
import { rotate } from './rotate.js'
import { scale } from './scale.js'
import type { Transform } from './transform.js'

/** Every transform, in the order in which help lists them. A test holds it against the folder. */
export const TRANSFORMS: readonly Transform[] = [
  rotate,
  invert,
  contrast,
  brightness,
  noise,
  scale,
  offset,
]
