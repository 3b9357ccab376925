import { ANY_NUMBER, eachValue, type Transform } from './transform.js'

/** x ↦ x + B, under the name that it has for pixels in [0, 1]: B = 0.2 is a fifth of the range brighter. */
export const brightness: Transform = {
  name: 'brightness',
  usage: 'brightness=B',
  summary: 'x + B; the same as offset, as one says it of images',
  parameter: { label: 'B', ...ANY_NUMBER },
  prepare: (by) => eachValue((value) => value + by),
}
