import { fork } from 'node:child_process'
import { FederationError, type Problem } from '#protocol/errors.js'
import type { PretrainOptions } from '#protocol/pretrain-options.js'
import { moduleCommand } from '#protocol/spawn.js'
import type { EpochProgress } from '#algorithms/training/pretrain.js'
import type { Trained } from './pretrain-here.js'

/** What the child sends: any number of epochs, then an end. */
export type ChildMessage =
  | { readonly kind: 'epoch'; readonly progress: EpochProgress }
  | { readonly kind: 'done'; readonly trained: Trained }
  | { readonly kind: 'failed'; readonly problem: Problem }
export interface ChildHooks {
  readonly onEpoch?: (progress: EpochProgress) => void
  /** Ends the child at once: rejects with `pretrain/interrupted`. */
  readonly signal?: AbortSignal
}

/**
 * Pre-trains in a process of its own, because a process cannot change the threads of its tensor library: a study may
 * pre-train with one number and simulate with another. Rejects with the child's own error, or with `algorithm/failed` when it died.
 */
export function pretrainInChild(
  options: PretrainOptions,
  { onEpoch, signal }: ChildHooks = {},
): Promise<Trained> {
  const { file, execArgv } = moduleCommand(import.meta.url, './pretrain-main.js')
  const child = fork(file, [], {
    execArgv: [...execArgv],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  // A tensor library may keep its process alive for long after the answer: nothing is lost by ending it.
  const end = (): void => void child.kill('SIGKILL')
  const running = new Promise<Trained>((resolve, reject) => {
    child.on('message', (message) => {
      const received = message as ChildMessage
      if (received.kind === 'epoch') onEpoch?.(received.progress)
      else if (received.kind === 'done') resolve(received.trained)
      else reject(new FederationError(received.problem.code, received.problem.message))
    })
    child.once('error', (cause) => reject(died(cause.message, cause)))
    child.once('exit', (code, by) => reject(died(by ?? `status ${code ?? 'unknown'}`)))
    signal?.addEventListener('abort', () => reject(interrupted()), { once: true })
    if (signal?.aborted === true) reject(interrupted())
    else child.send(options)
  })
  return running.finally(end)
}

const died = (how: string, cause?: unknown): FederationError =>
  new FederationError('algorithm/failed', `The process that pre-trains ended early (${how})`, {
    cause,
  })
const interrupted = (): FederationError =>
  new FederationError('pretrain/interrupted', 'The pre-training was interrupted')
