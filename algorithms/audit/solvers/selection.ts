import type { AttackName, AttackResult, Reconstruction } from '#algorithms/audit/attack.js'
import type { Search, Trail } from './search.js'

/** The smallest matching loss; of equal ones the first. */
function leastLoss(found: readonly Reconstruction[]): Reconstruction | null {
  let least: Reconstruction | null = null
  for (const one of found) if (least === null || one.matchLoss < least.matchLoss) least = one
  return least
}

/** The best of every stage, ascending: gifd specification §9.3. */
function bestByStage(ends: readonly Reconstruction[]): readonly Reconstruction[] {
  const stages = [...new Set(ends.map(({ stage }) => stage))].sort((a, b) => a - b)
  return stages.flatMap((stage) => leastLoss(ends.filter((end) => end.stage === stage)) ?? [])
}

/** What is best when every trail is frozen as it comes down to the noise floor; one that never does gives its best end. */
function frozenBest(trails: readonly Trail[]): Reconstruction | null {
  return leastLoss(trails.flatMap(({ atFloor, ends }) => atFloor ?? leastLoss(ends) ?? []))
}

/** Chooses as the attacker does, (9.3): the least loss of all stages and restarts, the earlier stage where equal. */
export function resultOf(
  search: Search,
  name: AttackName,
  found: {
    readonly trails: readonly Trail[]
    /** Restarts that were to be made. */
    readonly restarts: number
    readonly note?: string
  },
): AttackResult {
  const { trails, restarts } = found
  const stages = bestByStage(trails.flatMap(({ ends }) => ends))
  const chosen = leastLoss(stages)
  const winner = trails.find(({ ends }) => chosen !== null && ends.includes(chosen))
  const living = new Set(trails.filter(({ ends }) => ends.length > 0).map((one) => one.restart))
  const failed = restarts - living.size
  const notes = [
    ...(found.note === undefined ? [] : [found.note]),
    ...(winner?.label === undefined ? [] : [winner.label]),
    ...(failed > 0 ? [`${failed} of ${restarts} restarts failed: their loss was not finite`] : []),
  ]
  const { iterations, gradientEvaluations, seconds } = search
  return {
    ...{ name, chosen, stages, curve: winner?.curve ?? [] },
    atFloor: search.input.problem.target.floor === null ? null : frozenBest(trails),
    ...{ iterations, gradientEvaluations, seconds },
    ...(notes.length === 0 ? {} : { note: notes.join('; ') }),
  }
}
