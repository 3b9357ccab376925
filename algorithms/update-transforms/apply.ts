/** The transforms of a run, one after another, and what can be said of them together. */
import { FederationError } from '#protocol/errors.js'
import type { Stream, Streams } from '#protocol/random.js'
import type { ConfiguredTransform } from './update-transform.js'

/** Where noise is drawn: which transform with which options, on what, the tensors of one update as they are before it. */
export interface NoisyStep {
  readonly name: string
  readonly options: unknown
  readonly parts: readonly Float32Array[]
}
/** Noise of one update: a stream for each place in the list of transforms. */
export type NoiseStreams = (index: number, step: NoisyStep) => Stream

/**
 * Noise out of the run's seed, which everyone knows who knows the run: for simulations and audits, which say so. It hides
 * nothing from a coordinator.
 */
export const seededNoise =
  (streams: Streams, { round, slot }: { readonly round: number; readonly slot: number }) =>
  (index: number): Stream =>
    streams(`update-noise-${index}`, round, slot)

/**
 * What leaves a client in place of `parts`: the tensors of one update, float32, as one vector. New arrays of the same lengths;
 * `parts` stay as they are. `noise` is needed only where a transform draws some. Throws `update/not-finite` for what training
 * made of NaN or infinities.
 */
export function applyTransforms(
  parts: readonly Float32Array[],
  transforms: readonly ConfiguredTransform[],
  noise?: NoiseStreams,
): readonly Float32Array[] {
  return transforms.reduce(
    (current, { transform, options }, index) =>
      transform.apply(current, options, () => {
        // Never a default: noise that somebody could draw again hides nothing.
        if (noise === undefined)
          throw new FederationError(
            'internal/bug',
            'A transform draws noise, and nobody said out of what',
          )
        return noise(index, { name: transform.name, options, parts: current })
      }),
    parts.map((part) => part.slice()) as readonly Float32Array[],
  )
}

/** Largest L2 norm of an update of `size` numbers after the transforms, whatever it was before. Infinity: any. */
export const largestNormOf = (transforms: readonly ConfiguredTransform[], size: number): number =>
  transforms.reduce(
    (before, { transform, options }) => transform.largestNorm(before, options, size),
    Infinity,
  )

/** What is certain of every update, whatever the client trained. */
export interface Protection {
  /** The smallest clip: what the model moves by lies within this norm. Infinity: not clipped. */
  readonly clip: number
  /** Largest standard deviation of noise that is drawn; 0: none. */
  readonly noise: number
  /** The same of noise that comes after a clip as small as `clip`: it hides what was clipped before. */
  readonly noiseAfterClip: number
}

export function protectionOf(transforms: readonly ConfiguredTransform[]): Protection {
  const clips = transforms.map(({ transform, options }) =>
    transform.largestNorm(Infinity, options, 1),
  )
  const noises = transforms.map(({ transform, options }) => transform.noise?.(options) ?? 0)
  const clip = Math.min(Infinity, ...clips)
  const first = clip === Infinity ? noises.length : clips.indexOf(clip)
  return {
    clip,
    noise: Math.max(0, ...noises),
    noiseAfterClip: Math.max(0, ...noises.slice(first)),
  }
}

/** For reports and for who starts a run: "clipped to an L2 norm of 1, then rounded to 8 bits"; "none" where there are none. */
export const describeTransforms = (transforms: readonly ConfiguredTransform[]): string =>
  transforms.length === 0
    ? 'none'
    : transforms.map(({ transform, options }) => transform.describe(options)).join(', then ')
