/**
 * Which cut a round uses: a pure function of the round, the same for all clients, whichever rounds they took part in (fedd2s
 * specification §4; the paper's formula is not known).
 */
import { FederationError } from '#protocol/errors.js'
import type { RunConfig } from '#protocol/run-config.js'
import type { Architecture } from './architectures.js'
import type { FedD2SHyper } from './hyper.js'

export interface CutSchedule {
  /** A: rounds spent on one cut. */
  readonly interval: number
  /** Cuts passed so far: 0 … m − 1. Rounds r count from 0. */
  readonly stage: (round: number) => number
  /** Where the round's cut stands in the dropping set, which is written deep → shallow. */
  readonly place: (round: number) => number
  /** ℓ_r: layers below the cut. */
  readonly depth: (round: number) => number
  /** The round is the first on its cut. */
  readonly isStageStart: (round: number) => boolean
}

export interface ScheduleOptions extends Pick<FedD2SHyper, 'schedule' | 'interval'> {
  /** The dropping set as depths, deep → shallow. */
  readonly depths: readonly number[]
  /** Depth of the deepest cut that is allowed: L − 1, or L where nothing need be left above the cut. */
  readonly deepest: number
  /** R: rounds of the run. */
  readonly rounds: number
}

/**
 * stage(r) = min(floor(r / A), m − 1), ℓ_r = c_stage(r); reversed walks the dropping set from its last cut to its first. Throws
 * `config/impossible` for a dropping set that is empty, not strictly decreasing, or outside 1 … deepest; for an interval below
 * 1; and for `fixed` with several cuts.
 */
export function cutSchedule(options: ScheduleOptions): CutSchedule {
  const { depths, schedule, rounds } = options
  const interval = options.interval ?? defaultInterval(rounds, depths.length)
  assertWalkable(options, interval)
  const last = depths.length - 1
  const stage = (round: number): number => Math.min(Math.floor(round / interval), last)
  const place = (round: number): number =>
    schedule === 'reversed' ? last - stage(round) : stage(round)
  return {
    interval,
    stage,
    place,
    depth: (round) => depths[place(round)]!,
    isStageStart: (round) => round === 0 || stage(round) !== stage(round - 1),
  }
}

/** The deep cuts get one interval each, the shallowest the rounds that are left: floor(R / (m + 2)), at least 1. */
export const defaultInterval = (rounds: number, cuts: number): number =>
  Math.max(1, Math.floor(rounds / (cuts + 2)))

/** The schedule of a run, by the depths that its cuts have in the first architecture. */
export const scheduleOf = (
  { config, hyper }: { readonly config: Pick<RunConfig, 'rounds'>; readonly hyper: FedD2SHyper },
  [first]: readonly Architecture[],
): CutSchedule => {
  const layers = first!.model.blocks.filter(({ params }) => params.length > 0).length
  return cutSchedule({
    ...{ schedule: hyper.schedule, interval: hyper.interval, rounds: config.rounds },
    depths: first!.cuts.map(({ depth }) => depth),
    deepest: hyper.profile === 'models' ? layers : layers - 1,
  })
}

function assertWalkable({ depths, deepest, schedule }: ScheduleOptions, interval: number): void {
  if (depths.length === 0) throw impossible('The dropping set is empty')
  const outside = depths.find((depth) => !Number.isInteger(depth) || depth < 1 || depth > deepest)
  if (outside !== undefined)
    throw impossible(`The dropping set has cuts of depth 1 to ${deepest}, got ${outside}`)
  const wrong = depths.findIndex((depth, i) => i > 0 && depth >= depths[i - 1]!)
  if (wrong >= 0)
    throw impossible(
      `The dropping set goes from deep to shallow, got ${depths[wrong]} behind ${depths[wrong - 1]}`,
    )
  if (schedule === 'fixed' && depths.length > 1)
    throw impossible(`The schedule fixed takes one cut, got ${depths.length}`)
  if (!Number.isInteger(interval) || interval < 1)
    throw impossible(`The dropping interval is at least 1 round, got ${interval}`)
}

const impossible = (message: string): FederationError =>
  new FederationError('config/impossible', message)
