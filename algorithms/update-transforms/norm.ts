import { FederationError } from '#protocol/errors.js'

/** L2 norm of one vector in parts. Throws `update/not-finite` for one that holds NaN or infinities. */
export function normOf(parts: readonly ArrayLike<number>[]): number {
  let sum = 0
  for (const part of parts) for (let i = 0; i < part.length; i++) sum += part[i]! * part[i]!
  if (Number.isFinite(sum)) return Math.sqrt(sum)
  throw new FederationError(
    'update/not-finite',
    'The update holds numbers that are not finite, or too large to be squared',
  )
}

/** Of one tensor; 0 where it is empty. */
export function largestOf(values: ArrayLike<number>): number {
  let largest = 0
  for (let i = 0; i < values.length; i++) largest = Math.max(largest, Math.abs(values[i]!))
  return largest
}

export const sizeOf = (parts: readonly ArrayLike<number>[]): number =>
  parts.reduce((sum, part) => sum + part.length, 0)
