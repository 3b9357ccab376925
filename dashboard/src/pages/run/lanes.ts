/** What became of attempts, as shapes: one path for each fate and row, however many members there are. */
import type { Attempt } from '#protocol/run-views.js'
import { FATES, fateOf, type Fate } from './code-words.js'

export type Tally = Readonly<Record<Fate, number>>

/** How many of each fate. Where it is hidden who took part, what is late is among the refused and the failed. */
export function tallyOf({ members, counts }: Attempt): Tally {
  if (members.length === 0) {
    const { asked, accepted, refused, failed } = counts
    return {
      asked: Math.max(0, asked - accepted - refused - failed),
      accepted,
      late: 0,
      refused,
      failed,
    }
  }
  const tally = { asked: 0, accepted: 0, late: 0, refused: 0, failed: 0 }
  for (const member of members) tally[fateOf(member)] += 1
  return tally
}

/** In seconds since it was opened; of one that is open, up to `now`. */
export const tookSeconds = ({ openedAt, endedAt }: Attempt, now: number): number =>
  Math.max(0, (endedAt === null ? now : Date.parse(endedAt)) - Date.parse(openedAt)) / 1000

/** Units along a lane, whatever it stands for. */
export const LANE_WIDTH = 1000
export const LANE_HEIGHT = 20

/** Marks of when each member was heard, on a lane of `seconds`. */
export function arrivals(attempt: Attempt, seconds: number): Readonly<Record<Fate, string>> {
  const paths = emptyPaths()
  for (const member of attempt.members) {
    if (member.at === null) continue
    const after = (Date.parse(member.at) - Date.parse(attempt.openedAt)) / 1000
    const x = Math.min(LANE_WIDTH, (Math.max(0, after) / Math.max(seconds, 0.001)) * LANE_WIDTH)
    const fate = fateOf(member)
    paths[fate] += `M${x.toFixed(1)} ${LANE_HEIGHT}v${-HEIGHTS[fate]}`
  }
  return paths
}

/** A column for each member, in the order of `slots`. */
export function columns(
  attempt: Attempt,
  slots: readonly number[],
): Readonly<Record<Fate, string>> {
  const paths = emptyPaths()
  const width = LANE_WIDTH / Math.max(1, slots.length)
  const place = new Map(slots.map((slot, i) => [slot, i]))
  const gap = slots.length > 60 ? 0.12 : 0.06
  for (const member of attempt.members) {
    const i = place.get(member.slot)
    if (i === undefined) continue
    const fate = fateOf(member)
    const [x, w] = [(i + gap) * width, (1 - 2 * gap) * width]
    paths[fate] +=
      `M${x.toFixed(1)} ${LANE_HEIGHT}v${-HEIGHTS[fate]}h${w.toFixed(1)}v${HEIGHTS[fate]}z`
  }
  return paths
}

/** Told apart by height as well as by colour. */
export const HEIGHTS: Readonly<Record<Fate, number>> = {
  asked: 3,
  accepted: 20,
  late: 14,
  refused: 10,
  failed: 6,
}
const emptyPaths = (): Record<Fate, string> =>
  Object.fromEntries(FATES.map((fate) => [fate, ''])) as Record<Fate, string>
