import { concat } from './cut.js'

/** How often a draw that leaves someone with too little is repeated before rows are moved. */
export const ATTEMPTS = 20

const smallest = (parts: readonly Int32Array[]): number =>
  parts.reduce((least, part) => Math.min(least, part.length), Infinity)

/**
 * The first of `ATTEMPTS` draws in which every client has `min` rows, as the papers repeat theirs. If none has, the last
 * draw is repaired: the client with the fewest rows (the first of equals) takes what it lacks from the end of the one with
 * the most, until all have `min`. That moves few rows, ends always, and stays a function of the seed.
 */
export function drawUntilAtLeast(
  min: number,
  draw: (attempt: number) => Int32Array[],
): Int32Array[] {
  for (let attempt = 0; attempt < ATTEMPTS - 1; attempt++) {
    const parts = draw(attempt)
    if (smallest(parts) >= min) return parts
  }
  return repair(min, draw(ATTEMPTS - 1))
}

function repair(min: number, parts: Int32Array[]): Int32Array[] {
  for (;;) {
    const [poor, rich] = extremes(parts)
    const lacking = min - parts[poor]!.length
    if (lacking <= 0) return parts
    const spare = parts[rich]!.length - min
    const kept = parts[rich]!.length - Math.min(lacking, spare)
    parts[poor] = concat([parts[poor]!, parts[rich]!.subarray(kept)])
    parts[rich] = parts[rich]!.subarray(0, kept)
  }
}

/** Places of the first smallest and the first largest part. */
function extremes(parts: readonly Int32Array[]): [number, number] {
  let [poor, rich] = [0, 0]
  parts.forEach((part, i) => {
    if (part.length < parts[poor]!.length) poor = i
    if (part.length > parts[rich]!.length) rich = i
  })
  return [poor, rich]
}
