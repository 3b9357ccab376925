/** Entry of the process that tries the attacks on one model. */
import { useBackend, type BackendName } from '#algorithms/tensor/backends.js'
import {
  measureAttacks,
  type AttackSpeedMeasurement,
  type AttackSpeedSetting,
} from './attack-speed.js'
import { answerParent } from './measured-child.js'

export interface AttackSpeedRequest {
  readonly setting: AttackSpeedSetting
  readonly backend: BackendName
}

answerParent<AttackSpeedRequest, AttackSpeedMeasurement>(async ({ setting, backend }) =>
  measureAttacks(setting, await useBackend(backend)),
)
