import { COMMAND } from '../command-name.js'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Option, type Command } from 'commander'
import { decodeBundle } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import type { RunRecord } from '#protocol/record.js'
import { unwrap } from '#protocol/result.js'
import { predictsByItself, readModelFile } from '#algorithms/model-file.js'
import { toSafetensors } from '#algorithms/models/export/safetensors.js'
import { metricsTables } from '#simulations/export/metrics-csv.js'
import { eventFiles } from '#simulations/export/tensorboard.js'
import { START_FILE } from '#simulations/run-files.js'
import type { Api } from '../api.js'
import { addCommand } from '../command.js'
import { findRun } from '../local-runs.js'
import type { Output } from '../output.js'
import { PREDICTOR_SCRIPT } from '../predictor-script.js'
import { withRuns, type RunOptions } from '../run-options.js'
import { connect } from '../sign-in.js'

const FORMATS = ['bundle', 'tfjs', 'safetensors'] as const
type Format = (typeof FORMATS)[number]
const METRICS = ['csv', 'tensorboard'] as const
type MetricsFormat = (typeof METRICS)[number]

interface ExportOptions extends RunOptions {
  readonly format: Format
  readonly metrics?: MetricsFormat
  readonly out?: string
}

export function registerExport(runs: Command): void {
  addCommand<ExportOptions>(runs, 'export <run>', {
    describe: 'write the model and the record (configuration, fingerprint, every round) of a run',
    options: (command) =>
      withRuns(command)
        .addOption(
          new Option(
            '--format <format>',
            'bundle: ours. tfjs: layers for tf.loadLayersModel of TensorFlow.js. safetensors: tensors by name',
          )
            .choices(FORMATS)
            .default('bundle'),
        )
        .addOption(
          new Option(
            '--metrics <format>',
            'also what was measured: csv (rounds and clients as tables) or tensorboard (event files)',
          ).choices(METRICS),
        )
        .option('--out <dir>', 'where to (default: a folder named after the run)'),
    run: async ({ out }, options, [run = '']) => {
      const source = await sourceOf(options, run)
      const { format, metrics } = options
      const written = await write(source, { format, directory: options.out ?? source.record.runId })
      const measured =
        metrics === undefined ? [] : await writeMetrics(source.record, metrics, written)
      sayWritten(out, { ...written, format, measured })
      out.finish('runs:export', { ...written, format, metrics: measured })
    },
  })
}

function sayWritten(
  out: Output,
  written: Exported & { readonly format: Format; readonly measured: readonly string[] },
): void {
  const { format, model, record, start, predictor, measured } = written
  out.say(`Model   ${model}`)
  out.say(`Record  ${record}`)
  if (start !== null) out.say(`Start   ${start}`)
  if (predictor !== null)
    out.say(`Predict ${predictor}  (rows of numbers in, one JSON line each out)`)
  for (const path of measured) out.say(`Metrics ${path}`)
  if (format === 'bundle') out.say(`Replay it:  ${COMMAND} simulate --replay ${record}`)
}

/** What a run left: from the coordinator, or from this machine where it was simulated. */
interface Source {
  readonly record: RunRecord
  /** Encoded bundles. */
  readonly model: Uint8Array
  readonly start: Uint8Array | null
}
async function sourceOf(options: RunOptions, run: string): Promise<Source> {
  const local = await findRun(run, options.runsDir)
  if (local !== null) {
    const { record, directory, start } = local
    return { record, start, model: await modelIn(directory) }
  }
  if (options.local === true)
    throw new FederationError('run/not-found', `No run '${run}' in ${options.runsDir}`)
  return remoteSource(await connect(options), run)
}
async function modelIn(directory: string): Promise<Uint8Array> {
  const path = join(directory, 'model.bundle')
  try {
    return await readFile(path)
  } catch (cause) {
    throw new FederationError('model/unreadable', `Cannot read ${path}`, { cause })
  }
}
async function remoteSource(api: Api, run: string): Promise<Source> {
  const record = await api.call('GET /api/runs/:id', { id: run })
  const start = record.config.startFrom === null ? null : await api.start(run)
  return { record, model: await api.model(run), start }
}

export interface Exported {
  readonly model: string
  readonly record: string
  /** What the run started from; null: seeded params. */
  readonly start: string | null
  /** A small program that predicts; null: the model is a plain set of params, or is not what clients predict with. */
  readonly predictor: string | null
}
/** Writes `model.bundle` and `record.json` of a run into a directory, with what else is needed to replay and to predict. */
export async function exportRun(api: Api, runId: string, directory = runId): Promise<Exported> {
  return write(await remoteSource(api, runId), { format: 'bundle', directory })
}

type Files = ReadonlyMap<string, Uint8Array | string>
interface ModelFiles {
  readonly model: string
  readonly start: string | null
  readonly predictor: string | null
  readonly files: Files
}
/** Throws `model/not-expressible` before anything is written. */
async function modelFiles(source: Source, format: Format): Promise<ModelFiles> {
  const { model, start } = source
  switch (format) {
    case 'bundle':
      return bundleFiles(source)
    case 'safetensors': {
      const files = new Map([['model.safetensors', safetensorsOf(model)]])
      if (start !== null) files.set('start.safetensors', safetensorsOf(start))
      return {
        ...{ model: 'model.safetensors', start: start === null ? null : 'start.safetensors' },
        ...{ predictor: null, files },
      }
    }
    case 'tfjs': {
      // What computes with tensors is loaded only here.
      const { toTfjsLayers, WEIGHTS_FILE } =
        await import('#algorithms/models/export/tfjs-layers.js')
      const layers = toTfjsLayers(readModelFile(model))
      const files = new Map<string, Uint8Array | string>([
        ['model.json', JSON.stringify(layers.model)],
        [WEIGHTS_FILE, layers.weights],
      ])
      return { model: 'model.json', start: null, predictor: null, files }
    }
  }
}
const safetensorsOf = (bundle: Uint8Array): Uint8Array =>
  toSafetensors(unwrap(decodeBundle(bundle)))

function bundleFiles({ model, start }: Source): ModelFiles {
  const file = readModelFile(model)
  const isScripted = file.method !== null && predictsByItself(file)
  const files = new Map<string, Uint8Array | string>([['model.bundle', model]])
  if (start !== null) files.set(START_FILE, start)
  if (isScripted) files.set('predict.mjs', PREDICTOR_SCRIPT)
  return {
    ...{ model: 'model.bundle', start: start === null ? null : START_FILE, files },
    predictor: isScripted ? 'predict.mjs' : null,
  }
}

async function write(
  source: Source,
  { format, directory }: { readonly format: Format; readonly directory: string },
): Promise<Exported> {
  // All of it is here before the first file is: no half of an export is left behind.
  const { files, model, start, predictor } = await modelFiles(source, format)
  const record = `${JSON.stringify(source.record, null, 2)}\n`
  await writeAll(directory, new Map([...files, ['record.json', record]]))
  const at = (name: string | null): string | null => (name === null ? null : join(directory, name))
  return {
    model: join(directory, model),
    record: join(directory, 'record.json'),
    ...{ start: at(start), predictor: at(predictor) },
  }
}

/** Beside the record. Returns the paths of the tables, or of the folder that `tensorboard --logdir` takes. */
async function writeMetrics(
  record: RunRecord,
  format: MetricsFormat,
  beside: Exported,
): Promise<readonly string[]> {
  const directory = dirname(beside.record)
  if (format === 'csv') {
    const { rounds, clients } = metricsTables(record)
    await writeAll(
      directory,
      new Map([
        ['rounds.csv', rounds],
        ['clients.csv', clients],
      ]),
    )
    return ['rounds.csv', 'clients.csv'].map((name) => join(directory, name))
  }
  const files = eventFiles(record).map(
    ({ folder, name, bytes }) => [join(folder, name), bytes] as const,
  )
  await writeAll(join(directory, 'tensorboard'), new Map(files))
  return [join(directory, 'tensorboard')]
}

async function writeAll(directory: string, files: Files): Promise<void> {
  try {
    await mkdir(directory, { recursive: true })
    for (const [name, content] of files) {
      const path = join(directory, name)
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, content)
    }
  } catch (cause) {
    throw new FederationError('store/io', `Could not write to ${directory}`, { cause })
  }
}
