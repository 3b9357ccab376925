import type { CalibratedClass, Diagnostics, Geometry } from '#protocol/diagnostics.js'

type LocalModels = NonNullable<Diagnostics['local']>

/** Layers of which every pair of two clients is as alike as told. */
export function madeUpLocal(told: {
  readonly clients: number
  /** By name: width and similarity of different clients. */
  readonly layers: Readonly<Record<string, readonly [width: number, cka: number | null]>>
  /** clients × classes */
  readonly headNorms: LocalModels['headNorms']
  readonly probe?: number
}): LocalModels {
  const { clients, headNorms, probe = 500 } = told
  const slots = Array.from({ length: clients }, (_, slot) => slot)
  const layers = Object.entries(told.layers).map(([name, [width, cka]]) => ({
    ...{ name, width, cka, ckaDebiased: cka === null ? null : cka - 0.125 },
    pairs: slots.map((i) => slots.map((j) => (i === j ? 1 : cka))),
  }))
  return { slots, probe, layers, headNorms }
}

export const madeUpGeometry = (changes: Partial<Geometry> = {}): Geometry => ({
  ...{ of: 'probe', examples: 500, withinClassVariability: 2, equinorm: 0.25 },
  ...{ equiangularity: 0.5, maximalAngle: 0.375, selfDuality: 1.5, featureNorm: 12 },
  ...{ deadFeatures: 0.125, effectiveRank: 6, betweenClassShare: 0.75, ...changes },
})

export const madeUpClass = (
  name: string,
  changes: Partial<Omit<CalibratedClass, 'name'>> = {},
): CalibratedClass => ({
  ...{ name, examples: 900, clients: 2, status: 'ok', rank: 27, condition: 4000 },
  ...{ jitter: 1e-4, betweenClients: 0.25, virtualExamples: 500, ...changes },
})
