import type { Architecture, FedD2SSetup } from './architectures.js'
import type { CutSchedule } from './schedule.js'
import type { FedD2STask } from './wire.js'

/** Both profiles: what round r asks for. From `stopFederationAfter` on clients train alone (fedd2s specification §8.1, row 5). */
export function taskAt(
  { hyper }: Pick<FedD2SSetup, 'hyper'>,
  {
    schedule,
    architectures,
  }: { readonly schedule: CutSchedule; readonly architectures: readonly Architecture[] },
  round: number,
): FedD2STask {
  const { stopFederationAfter } = hyper
  if (stopFederationAfter !== null && round >= stopFederationAfter)
    return { round, cut: null, isStageStart: false }
  const cut = architectures[0]!.cuts[schedule.place(round)]!.name
  return { round, cut, isStageStart: schedule.isStageStart(round) }
}
