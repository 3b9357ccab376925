import type { AttackSpeedRequest } from './attack-speed-main.js'
import type { AttackSpeedMeasurement } from './attack-speed.js'
import { askChild } from './measured-child.js'

export const AUDIT = {
  name: 'audit',
  describe: 'iterations per second of every attack of a privacy audit, by model',
  backends: ['wasm', 'native'],
} as const

/** Small and large, with and without convolutions; each with its own defaults. */
export const AUDIT_MODELS = ['mlp', 'lenet', 'cnn', 'gap'] as const
/** MNIST's. */
export const AUDIT_SIDE = 28
export const AUDIT_ITERATIONS = 10

/** Tries the attacks in a process of their own. Rejects with that process's error, or when `signal` aborts. */
export const attacksInChild = (
  request: AttackSpeedRequest,
  signal?: AbortSignal,
): Promise<AttackSpeedMeasurement> =>
  askChild<AttackSpeedMeasurement>('./attack-speed-main.js', request, signal)
