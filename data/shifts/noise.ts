import type { Transform } from './transform.js'

/** x ↦ x + SIGMA n with n standard normal, drawn anew for every value from the row's own stream. */
export const noise: Transform = {
  name: 'noise',
  usage: 'noise=SIGMA',
  summary: 'x + SIGMA × a standard normal number',
  parameter: { label: 'SIGMA', min: 0, max: 1e6 },
  prepare: (sigma) => (values, stream) => {
    const numbers = stream()
    for (let i = 0; i < values.length; i++) values[i]! += sigma * numbers.normal()
  },
}
