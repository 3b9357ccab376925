import { ANY_NUMBER, eachValue, type Transform } from './transform.js'

/** x ↦ x + B: another zero, for features of any kind. */
export const offset: Transform = {
  name: 'offset',
  usage: 'offset=B',
  summary: 'x + B',
  parameter: { label: 'B', ...ANY_NUMBER },
  prepare: (by) => eachValue((value) => value + by),
}
