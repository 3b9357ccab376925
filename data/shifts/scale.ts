import { ANY_NUMBER, eachValue, type Transform } from './transform.js'

/** x ↦ F x: another gain; with F < 0 the polarity turns round as well. */
export const scale: Transform = {
  name: 'scale',
  usage: 'scale=F',
  summary: 'F × x',
  parameter: { label: 'F', ...ANY_NUMBER },
  prepare: (factor) => eachValue((value) => factor * value),
}
