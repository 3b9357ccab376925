import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { bundleHash, encodeBundle, type TensorSpec } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import type { Hash } from '#protocol/ids.js'
import { CATALOGUE, type Catalogue } from '#algorithms/catalogue.js'
import { methodOf, methodSetup } from '#algorithms/from-config.js'
import type { PersonalModel } from '#algorithms/methods/method.js'
import { labelParams } from '#algorithms/model-file.js'
import { readEnrolled } from './journal.js'
import type { KnownRun, NodeState } from './state/node-state.js'

export interface ExportModelOptions {
  readonly stateDir: string
  /** A run's id, its name if no other run of this node has it, or `latest`: the one of the latest update. */
  readonly run: string
  /** The file to write. */
  readonly out: string
}
export interface ExportedModel {
  readonly out: string
  readonly runId: string
  readonly name: string
  readonly method: string
  readonly slot: number
  /** Of the params as the node keeps them, without the label in the file: a replay comes to the same. */
  readonly sha256: Hash
  readonly parameters: number
}

/**
 * Writes the node's own model of a run as a file that says which model and task it is for. It reads the state directory
 * only, so the node may run meanwhile. Throws `data/not-found` for another directory, `run/not-found`, `model/not-personal`
 * where the node has no model of its own, `store/io` where the file cannot be written.
 */
export async function exportPersonalModel(
  { stateDir, run, out }: ExportModelOptions,
  catalogue: Catalogue = CATALOGUE,
): Promise<ExportedModel> {
  const { state } = await readEnrolled(stateDir)
  const known = runNamed(run, await state.runs())
  const { params, model } = await personalModelOf(state, known, catalogue)
  const { runId, name, method, slot, config } = known
  await write(out, encodeBundle(labelParams(params, { model, task: config.task })))
  const parameters = params.tensors.reduce((sum, tensor) => sum + elementsIn(tensor), 0)
  return { out, runId, name, method, slot, sha256: bundleHash(params), parameters }
}

const elementsIn = ({ shape }: TensorSpec): number =>
  shape.reduce((product, length) => product * length, 1)

function runNamed(wanted: string, runs: readonly KnownRun[]): KnownRun {
  const latest = runs.at(-1)
  if (latest === undefined)
    throw new FederationError('run/not-found', 'This node has performed no task of any run yet')
  if (wanted === 'latest') return latest
  const byId = runs.find(({ runId }) => runId === wanted)
  const byName = runs.filter(({ name }) => name === wanted)
  const found = byId ?? byName[0]
  if (found !== undefined && (byId !== undefined || byName.length === 1)) return found
  const of = (some: readonly KnownRun[]): string =>
    some.map(({ runId, name }) => `${runId} (${name})`).join(', ')
  throw new FederationError(
    'run/not-found',
    byName.length > 1
      ? `Several runs of this node are called '${wanted}': ${of(byName)}`
      : `This node knows no run '${wanted}'; it knows ${of(runs)}`,
  )
}

async function personalModelOf(
  state: NodeState,
  { runId, name, config }: KnownRun,
  catalogue: Catalogue,
): Promise<PersonalModel> {
  const method = methodOf(config, catalogue)
  const half = method.client(methodSetup(config, catalogue))
  if (method.personal !== true || half.personalModel === undefined) {
    const message = `The run ${name} (${runId}) keeps no personal model: ${method.name} trains one that all clients share, which the coordinator exports`
    throw new FederationError('model/not-personal', message)
  }
  const memory = await state.memory(runId)
  if (memory !== null) return half.personalModel(memory)
  const isOpen = (await state.openTask(runId)) !== null
  const why = isOpen
    ? 'what became of its first update is not known, and it hears of that when it is connected'
    : 'it has trained in no round of it'
  const message = `This node has no personal model of the run ${name} (${runId}) yet: ${why}`
  throw new FederationError('model/not-personal', message)
}

async function write(path: string, bytes: Uint8Array): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, bytes)
  } catch (cause) {
    const { code = 'unknown' } = cause as NodeJS.ErrnoException
    throw new FederationError('store/io', `Cannot write ${path} (${code})`, { cause })
  }
}
