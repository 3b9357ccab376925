import { useBackend, type BackendName } from '#algorithms/tensor/backends.js'
import { tf } from '#algorithms/tensor/tf.js'
import { asFederationError } from '#protocol/errors.js'
import type { Engine } from '#protocol/record.js'
import { CASES, type Case } from './cases.js'

/** Largest allowed error, relative to the largest number of the reference: float32 rounding, summed in another order. */
export const TOLERANCE = 1e-4

export interface Comparison {
  readonly kind: Case['kind']
  readonly name: string
  /** Largest absolute difference, divided by the reference's largest magnitude (at least 1); null when it did not run. */
  readonly error: number | null
  /** Why the case failed; null when it passed. */
  readonly problem: string | null
}
export interface Report {
  readonly engine: Engine
  readonly comparisons: readonly Comparison[]
}

/** Runs every case on `cpu` and on the backend and compares. Throws `backend/missing` or `backend/broken` as useBackend does. */
export async function compareWithCpu(
  backend: BackendName,
  cases: readonly Case[] = CASES,
): Promise<Report> {
  const engine = await useBackend(backend)
  await useBackend('cpu')
  const expected: Float32Array[] = []
  for (const { run } of cases) expected.push(await run())
  await useBackend(backend)
  const comparisons: Comparison[] = []
  for (const [at, one] of cases.entries()) comparisons.push(await compare(one, expected[at]!))
  return { engine, comparisons }
}

async function compare({ kind, name, run }: Case, expected: Float32Array): Promise<Comparison> {
  try {
    const error = relativeError(await run(), expected)
    const problem = error <= TOLERANCE ? null : `differs by ${error.toExponential(1)}`
    return { kind, name, error, problem }
  } catch (error) {
    return { kind, name, error: null, problem: asFederationError(error).message }
  }
}

/** Infinite when lengths differ or a number is missing. */
export function relativeError(actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length) return Infinity
  const scale = expected.reduce((max, value) => Math.max(max, Math.abs(value)), 1)
  const worst = actual.reduce((max, value, i) => Math.max(max, Math.abs(value - expected[i]!)), 0)
  return Number.isNaN(worst) ? Infinity : worst / scale
}

export const versions = (): string => `Node.js ${process.version}, tfjs ${tf.version_core}`
