/** Entry of the process in which `measureInChild` times one backend: one request in, one reply out. */
import { asFederationError } from '#protocol/errors.js'
import { modelOf } from '#algorithms/from-config.js'
import { trainLocally } from '#algorithms/training/train.js'
import type { Dataset, Examples } from '#data/dataset.js'
import { useBackend } from './backends.js'
import type { Trial } from './choose-backend.js'
import type { TrialReply, TrialRequest } from './measure-backend.js'
import { createStreams } from './stream.js'

const WARM_UP_STEPS = 3
const TIMED_STEPS = 8

process.once('message', (request) => {
  void reply(request as TrialRequest)
})

async function reply({ backend, trial }: TrialRequest): Promise<void> {
  let answer: TrialReply
  try {
    await useBackend(backend, { threads: trial.threads })
    answer = { ok: true, stepMs: await timeSteps(trial) }
  } catch (error) {
    answer = { ok: false, reason: asFederationError(error).message }
  }
  process.send?.(answer)
}

/** Mean milliseconds of a training step on noise. The time is information; no result hangs on it. */
async function timeSteps(trial: Trial): Promise<number> {
  const model = modelOf(trial)
  const streams = createStreams(0)
  const start = model.init(streams('trial/init', 0, 0))
  const run = async (steps: number): Promise<number> => {
    const examples = noise(trial, steps * trial.training.batchSize)
    const training = { ...trial.training, localEpochs: 1 }
    const began = process.hrtime.bigint()
    await trainLocally({ model, start, examples, training, streams, round: 1, rounds: 1, slot: 0 })
    return Number(process.hrtime.bigint() - began) / 1e6
  }
  await run(WARM_UP_STEPS)
  return (await run(TIMED_STEPS)) / TIMED_STEPS
}

function noise({ task }: Trial, count: number): Examples {
  const stream = createStreams(0)('trial/noise', 0, 0)
  const size = task.inputShape.reduce((all, side) => all * side, 1)
  const source: Dataset = {
    name: 'noise',
    inputShape: task.inputShape,
    classes: task.classes,
    count,
    features: Float32Array.from({ length: count * size }, () => stream.uniform()),
    labels: Int32Array.from({ length: count }, () => stream.integer(task.classes.length)),
  }
  return { source, indices: Int32Array.from({ length: count }, (_, i) => i) }
}
