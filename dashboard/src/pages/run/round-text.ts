import type { RunView } from '#protocol/run-views.js'
import { count } from '../../look/format.js'

/** Where a run is, in a line. */
export function roundText({ stage: { stage, round, attempt }, line }: RunView): string {
  const of = `${count(Math.min(round, line.rounds))} of ${count(line.rounds)}`
  const isAfter = round > line.rounds
  if (stage === 'auditing') return 'Privacy audit before the first round'
  if (stage === 'done') return `All ${count(line.rounds)} rounds have closed`
  if (stage === 'stopped') return `Stopped in round ${of}`
  if (stage === 'failed') return `Failed in round ${of}`
  if (isAfter) return 'After the last round: the model is calibrated, or scored'
  const what = round === 0 ? 'The model is scored before the first round' : `Round ${of}`
  return attempt > 1 ? `${what}, attempt ${count(attempt)}` : what
}
