/**
 * `auto`: the fastest backend for one model on one machine, by measurement. No ranking is right: libtensorflow is ten times
 * faster than WebAssembly on a convolutional network and half as fast on a logistic model.
 */
import { cpus } from 'node:os'
import { FederationError } from '#protocol/errors.js'
import { sha256 } from '#protocol/ids.js'
import { canonicalJson, type JsonObject } from '#protocol/json.js'
import type { RunConfig } from '#protocol/run-config.js'
import type { BackendName } from './backends.js'
import { recall, remember } from './choice-memory.js'
import { measureInChild } from './measure-backend.js'
import { resolveCuda, resolveNative } from './provision/index.js'
import { tf } from './tf.js'

/** What gets tried: the model and training of a run. */
export interface Trial extends Pick<RunConfig, 'task' | 'model' | 'training'> {
  readonly threads: number
}
/** One backend's trial. */
export interface Measurement {
  readonly backend: BackendName
  /** Milliseconds a training step took; null when the backend is missing or failed. */
  readonly stepMs: number | null
  /** Why there is no time; null when there is one. */
  readonly reason: string | null
}
export interface BackendChoice {
  readonly chosen: BackendName
  readonly measurements: readonly Measurement[]
  /** True when nothing was measured now. */
  readonly remembered: boolean
}
export interface ChooseOptions {
  readonly trial: Trial
  /** A JSON file that keeps choices per model and machine; null: measure every time. */
  readonly memoryFile: string | null
  readonly candidates?: readonly BackendName[]
  readonly measure?: (backend: BackendName, trial: Trial) => Promise<Measurement>
}

/** `webgpu` is experimental and `cpu` an oracle: both only by name. */
export const AUTO_CANDIDATES: readonly BackendName[] = ['cuda', 'native', 'wasm']

/**
 * Runs some training steps on each candidate, each in a process of its own and one after the other, and takes the
 * fastest. Throws `backend/missing`, with the reason of each, when none works.
 */
export async function chooseBackend(options: ChooseOptions): Promise<BackendChoice> {
  const { trial, memoryFile, candidates = AUTO_CANDIDATES, measure = measureInChild } = options
  const key = choiceKey(trial, candidates)
  const known = memoryFile === null ? null : recall(memoryFile, key)
  if (known !== null) return { ...known, remembered: true }
  const measurements: Measurement[] = []
  for (const backend of candidates) measurements.push(await measure(backend, trial))
  const choice = { chosen: fastest(measurements), measurements }
  if (memoryFile !== null) remember(memoryFile, key, choice)
  return { ...choice, remembered: false }
}

function fastest(measurements: readonly Measurement[]): BackendName {
  const timed = measurements.flatMap(({ backend, stepMs }) =>
    stepMs === null ? [] : [{ backend, stepMs }],
  )
  const [best] = timed.sort((a, b) => a.stepMs - b.stepMs)
  if (best === undefined) {
    const reasons = measurements.map(({ backend, reason }) => `${backend}: ${reason ?? 'no time'}`)
    throw new FederationError('backend/missing', `No backend works here. ${reasons.join('; ')}`)
  }
  return best.backend
}

/** Changes with anything that can change the ranking: model, batch size, processor, versions, what is installed. */
export function choiceKey(trial: Trial, candidates: readonly BackendName[]): string {
  const [first] = cpus()
  const facts: JsonObject = {
    model: trial.model,
    inputShape: [...trial.task.inputShape],
    classes: trial.task.classes.length,
    batchSize: trial.training.batchSize,
    optimizer: trial.training.optimizer.name,
    threads: trial.threads,
    candidates: [...candidates],
    processor: first?.model ?? 'unknown',
    cores: cpus().length,
    node: process.version,
    tfjs: tf.version_core,
    native: resolveNative(),
    cuda: resolveCuda(),
  }
  return sha256(canonicalJson(facts))
}
