import { ANY_NUMBER, eachValue, type Transform } from './transform.js'

/** x ↦ 0.5 + F (x − 0.5): stretches pixels in [0, 1] about middle grey; 0 < F < 1 makes them flatter. */
export const contrast: Transform = {
  name: 'contrast',
  usage: 'contrast=F',
  summary: '0.5 + F × (x − 0.5)',
  parameter: { label: 'F', ...ANY_NUMBER },
  prepare: (factor) => eachValue((value) => 0.5 + factor * (value - 0.5)),
}
