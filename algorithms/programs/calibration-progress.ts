/** How far a run's calibration is: which model it is about, what was gathered for it, and what came out. */
import { nestBundles, partNames, partOf, type Bundle } from '#protocol/bundle.js'
import type { CalibrationTime } from '#protocol/run-config.js'
import type { Progress } from './progress.js'

export interface CalibrationProgress {
  /** What rounds gathered that are not the last one; null before the first and after the last. */
  readonly gathered: Bundle | null
  /** The calibrated params; null until they are there, and again when training went on. */
  readonly calibrated: Bundle | null
}

export const NOT_CALIBRATED: CalibrationProgress = { gathered: null, calibrated: null }

export const isBegun = ({ gathered, calibrated }: CalibrationProgress): boolean =>
  gathered !== null || calibrated !== null

export const calibrationBundle = ({ gathered, calibrated }: CalibrationProgress): Bundle =>
  nestBundles({
    ...(gathered === null ? {} : { gathered }),
    ...(calibrated === null ? {} : { calibrated }),
  })

export function calibrationIn(state: Bundle): CalibrationProgress {
  if (!partNames(state).includes('calibration')) return NOT_CALIBRATED
  const own = partOf(state, 'calibration')
  const parts = partNames(own)
  const named = (part: string): Bundle | null => (parts.includes(part) ? partOf(own, part) : null)
  return { gathered: named('gathered'), calibrated: named('calibrated') }
}

/** Whether the model that training has reached is to be calibrated before anything else. */
export function isCalibrationDue(
  when: CalibrationTime,
  { calibrated }: CalibrationProgress,
  at: Pick<Progress, 'trainingRounds'> & { readonly isOver: boolean; readonly isScored: boolean },
): boolean {
  if (calibrated !== null) return false
  if (at.isOver) return true
  if (at.trainingRounds === 0) return false
  return when === 'every-round' || (when === 'every-eval' && at.isScored)
}
