import { eachValue, type Transform } from './transform.js'

/** x ↦ 1 − x: the negative of pixels in [0, 1]. */
export const invert: Transform = {
  name: 'invert',
  usage: 'invert',
  summary: '1 − x',
  parameter: null,
  prepare: () => eachValue((value) => 1 - value),
}
