/** Entry of the process in which `pretrainInChild` works: options in, epochs and a bundle out. */
import { asFederationError } from '#protocol/errors.js'
import type { PretrainOptions } from '#protocol/pretrain-options.js'
import type { ChildMessage } from './pretrain-child.js'
import { pretrainHere } from './pretrain-here.js'

const tell = (message: ChildMessage): void => void process.send?.(message)

process.once('message', (options) => {
  const onEpoch = (progress: Extract<ChildMessage, { kind: 'epoch' }>['progress']): void =>
    tell({ kind: 'epoch', progress })
  pretrainHere(options as PretrainOptions, { onEpoch }).then(
    (trained) => tell({ kind: 'done', trained }),
    (error: unknown) =>
      tell({ kind: 'failed', problem: asFederationError(error, 'algorithm/failed').toProblem() }),
  )
})
// SIGINT of the terminal reaches both: the parent decides when to end.
process.on('SIGINT', () => undefined)
process.once('disconnect', () => process.exit(0))
