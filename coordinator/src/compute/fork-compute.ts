import { startChild } from './child-calls.js'
import type { Closed, Compute, PlannedRound, Started } from './compute.js'
import type { Problem } from '#protocol/errors.js'
import type { KeyMap } from '#algorithms/methods/fedins/key-map.js'

/**
 * Compute in a child process that shares the blob directory: the event loop only moves bytes, and a crash of the tensor
 * library costs one call, which is repeated once.
 */
export function forkCompute(options: {
  readonly blobDirectory: string
}): Compute & { readonly pid: number | null } {
  const child = startChild({
    parentUrl: import.meta.url,
    path: './compute-main.js',
    args: [options.blobDirectory],
  })
  return {
    start: (...args) => child.call<Started>('start', ...args),
    next: (...args) => child.call<PlannedRound | 'done'>('next', ...args),
    inspect: (...args) => child.call<Problem | null>('inspect', ...args),
    close: (...args) => child.call<Closed>('close', ...args),
    keyMap: (...args) => child.call<KeyMap | null>('keyMap', ...args),
    stop: () => child.stop(),
    get pid() {
      return child.pid
    },
  }
}
