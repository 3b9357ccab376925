/**
 * Trainings that clients of a recorded run kept though no update of theirs counted. The record has no updates of them; the
 * clients tell of them with their next update (`algorithms/methods/kept-training.ts`). A replay has them trained again, so
 * that what clients keep is what it was.
 */
import { FederationError } from '#protocol/errors.js'
import type { Slot } from '#protocol/ids.js'
import type { RoundRecord, RunRecord } from '#protocol/record.js'
import { keptOf } from '#algorithms/methods/kept-training.js'

/** By slot: how many trainings of a round count for nothing but are kept. */
export type Rehearsals = ReadonlyMap<Slot, number>
export const NO_REHEARSALS: Rehearsals = new Map()

/**
 * By round. Trainings after a client's last update are not in it: nobody was told of them. Throws `replay/different` for a
 * record that contradicts itself: a client trains at most once in each attempt of a round.
 */
export function rehearsalsIn({
  rounds,
}: Pick<RunRecord, 'rounds'>): ReadonlyMap<number, Rehearsals> {
  const found = new Map<number, Map<Slot, number>>()
  const recorded = new Map(rounds.map((round) => [round.round, round]))
  for (const { accepted } of rounds) {
    for (const { slot, metrics } of accepted) {
      for (const [round, times] of keptOf(metrics)) {
        assertPossible(recorded.get(round), { round, slot, times })
        // Evaluations tell of them again before an update does.
        const own = found.get(round) ?? new Map<Slot, number>()
        found.set(round, own.set(slot, Math.max(times, own.get(slot) ?? 0)))
      }
    }
  }
  return found
}

function assertPossible(
  recorded: RoundRecord | undefined,
  told: { readonly round: number; readonly slot: Slot; readonly times: number },
): void {
  const { round, slot, times } = told
  const attempts = recorded?.attempt ?? 0
  if (Number.isSafeInteger(times) && times >= 1 && times <= attempts) return
  throw new FederationError(
    'replay/different',
    `The record contradicts itself: slot ${slot} tells that it kept ${times} trainings of round ${round}, which had ${attempts} attempts`,
  )
}
