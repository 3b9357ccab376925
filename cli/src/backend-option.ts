import { Option } from 'commander'
import { BACKEND_NAMES } from '#algorithms/tensor/backends.js'
import type { ComputeConfig } from '#protocol/run-config.js'

type Backend = ComputeConfig['backend']
export const ANY_BACKEND: readonly Backend[] = ['auto', ...BACKEND_NAMES]

/** Help lists the names; another one is a `usage/bad-value`. */
export const backendOption = (names: readonly Backend[] = ANY_BACKEND): Option =>
  new Option('--backend <name>', 'what computes').choices(names)
