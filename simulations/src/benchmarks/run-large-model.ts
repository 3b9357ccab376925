import { fork } from 'node:child_process'
import { FederationError } from '#protocol/errors.js'
import { moduleCommand } from '#protocol/spawn.js'
import type { StepAnswer, StepRequest } from './large-model-main.js'
import type { LargeModel, StepMeasurement } from './large-model.js'

const classes = Array.from({ length: 200 }, (_, label) => String(label))

export const VIT_B16 = {
  name: 'vit-b16',
  describe: 'steps of a full ViT-B/16, and of a FedIns pool over it, on native',
  backends: ['native'],
} as const

/** ViT-B/16 with the 200 classes of Tiny-ImageNet, and the pool of the authors of FedIns. */
export const VIT_B16_MODEL: LargeModel = {
  config: { model: { name: 'vit' }, task: { inputShape: [224, 224, 3], classes }, seed: 7 },
  ...{ poolSize: 25, topK: 3 },
}

/** Takes the steps of one kind in a process of their own. Rejects with that process's error, or when `signal` aborts. */
export function stepsInChild(request: StepRequest, signal?: AbortSignal): Promise<StepMeasurement> {
  const { file, execArgv } = moduleCommand(import.meta.url, './large-model-main.js')
  const child = fork(file, [], {
    execArgv: [...execArgv],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const died = (how: string): FederationError =>
    new FederationError('algorithm/failed', `The process that was measured ended early (${how})`)
  const running = new Promise<StepMeasurement>((resolve, reject) => {
    child.once('message', (message) => {
      const answer = message as StepAnswer
      if (answer.kind === 'done') resolve(answer.measurement)
      else reject(new FederationError(answer.problem.code, answer.problem.message))
    })
    child.once('error', (cause) => reject(died(cause.message)))
    child.once('exit', (code, by) => reject(died(by ?? `status ${code ?? 'unknown'}`)))
    signal?.addEventListener('abort', () => reject(died('interrupted')), { once: true })
    child.send(request)
  })
  return running.finally(() => child.kill('SIGKILL'))
}
