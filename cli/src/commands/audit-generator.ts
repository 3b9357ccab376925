import { copyFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { SingleBar } from 'cli-progress'
import { isBackendName } from '#algorithms/tensor/backends.js'
import {
  generatorOptionsSchema,
  type GeneratorOptions,
} from '#algorithms/audit/generator/generator-options.js'
import { isInformative } from '#algorithms/audit/generator/layered-generator.js'
import type { GeneratorProgress } from '#algorithms/audit/generator/train-generator.js'
import { parseDataSource } from '#data/index.js'
import type { SharedSource } from '#data/share.js'
import { FederationError } from '#protocol/errors.js'
import type { ComputeConfig } from '#protocol/run-config.js'
import {
  trainedGenerator,
  type GeneratorFile,
  type GeneratorHooks,
} from '#simulations/audit-generators/trained-generator.js'
import { addCommand, integer, type Session } from '../command.js'
import { describeNodeEvent } from '../node-events.js'
import type { Output } from '../output.js'

interface Flags {
  readonly data: string
  readonly limit?: number
  readonly share: SharedSource['share']
  readonly epochs?: number
  readonly batchSize?: number
  readonly learningRate?: number
  readonly latent?: number
  readonly features?: number
  readonly hidden?: number
  readonly priorWeight?: number
  readonly heldOut?: number
  readonly unconditional?: boolean
  readonly seed?: number
  readonly backend: string
  readonly threads: number
  readonly out: string
}
const LARGEST = 2 ** 31 - 1
const most = (max: number, min = 1) => integer({ min, max })

export function registerTrainGenerator(audit: Command): void {
  addCommand<Flags>(audit, 'train-generator', {
    describe: 'train the generator of an audit on public pictures, as an attacker could',
    options: (command) =>
      command
        .requiredOption('--data <source>', 'public pictures, for example mnist')
        .option('--limit <n>', 'use only the first rows of the data', most(LARGEST))
        .option('--share <from,to>', 'part of the shuffled data, as 0,0.5', share, [0, 1] as const)
        .option('--epochs <n>', 'passes over the pictures (20)', most(10_000))
        .option('--batch-size <n>', 'pictures per step (64)', most(100_000))
        .option('--learning-rate <rate>', 'of Adam (0.003)', positive)
        .option('--latent <n>', 'numbers a picture is made from (16)', most(4096))
        .option('--features <n>', 'channels of the blocks (12 up to 16 pixels, else 16)', most(512))
        .option('--hidden <n>', 'units of the encoder (128)', most(65_536))
        .option('--prior-weight <w>', 'of the prior against the pixels (1)', positive)
        .option('--held-out <n>', 'pictures that are kept for measuring (32)', most(1000, 2))
        .option('--unconditional', 'do not tell it the label of a picture')
        .option('--seed <n>', 'of every random number (0)', most(LARGEST, 0))
        .option('--backend <name>', 'auto, cuda, webgpu, native, wasm, cpu', 'auto')
        .option('--threads <n>', 'of the native backend', most(1024), 1)
        .option('--out <file>', 'where the generator goes', 'generator.bundle'),
    run: async (session, flags) => {
      const { data, limit } = flags
      const source = { ...parseDataSource(data), ...(limit === undefined ? {} : { limit }) }
      const compute = computeOf(flags)
      const request = {
        data: { ...source, share: flags.share },
        options: optionsOf(flags),
        compute,
      }
      const shown = progressOf(session.out)
      try {
        const made = await trainedGenerator(request, hooksOf(session, shown))
        shown.clear()
        await copyTo(made.path, flags.out)
        tell(session.out, made, flags.out)
      } finally {
        shown.clear()
      }
    },
  })
}

function share(text: string): SharedSource['share'] {
  const [from = Number.NaN, to = Number.NaN, ...more] = text.split(',').map(Number)
  if (more.length === 0 && from >= 0 && from < to && to <= 1) return [from, to]
  throw new FederationError(
    'usage/bad-value',
    `Expected a share like 0,0.5, from 0 to 1, got '${text}'`,
  )
}

function positive(text: string): number {
  const value = Number(text)
  if (value > 0 && value <= 10) return value
  throw new FederationError(
    'usage/bad-value',
    `Expected a number above 0 and up to 10, got '${text}'`,
  )
}

function optionsOf(flags: Flags): GeneratorOptions {
  const { epochs, batchSize, learningRate, latent, features, hidden, heldOut, seed } = flags
  const given = {
    ...{ epochs, batchSize, learningRate, latentDim: latent, features, hidden, heldOut, seed },
    priorWeight: flags.priorWeight,
  }
  const written = Object.entries(given).filter(([, value]) => value !== undefined)
  return generatorOptionsSchema.parse({
    ...Object.fromEntries(written),
    conditional: flags.unconditional !== true,
  })
}

function computeOf({ backend, threads }: Flags): ComputeConfig {
  if (backend === 'auto' || isBackendName(backend)) return { backend, threads }
  throw new FederationError('usage/bad-value', `There is no backend '${backend}'; see --help`)
}

async function copyTo(from: string, to: string): Promise<void> {
  try {
    await copyFile(from, to)
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? String(cause)
    throw new FederationError('usage/bad-value', `Cannot write ${to}: ${why}`, { cause })
  }
}

function hooksOf({ out, signal }: Session, shown: ShownProgress): GeneratorHooks {
  return {
    signal,
    onBackend: (choice) => {
      const { chosen } = choice
      const measurements = choice.measurements.map((one) => ({ ...one }))
      out.say(describeNodeEvent({ type: 'backend:chosen', chosen, measurements }))
    },
    onStart: (pictures) => {
      out.event('generator:started', { pictures })
      out.say(`Training a generator on ${pictures} pictures; kept for the next time`)
    },
    onProgress: shown.show,
  }
}

interface ShownProgress {
  readonly show: (progress: GeneratorProgress) => void
  clear(): void
}
/** Lines of a log for one phase. */
const PARTS = 10

/** A bar on a terminal; elsewhere a line at every tenth, an event for scripts. */
function progressOf(out: Output): ShownProgress {
  const onTerminal = !out.json && process.stderr.isTTY
  let bar: SingleBar | null = null
  let phase = ''
  let part = 0
  const clear = (): void => {
    bar?.stop()
    bar = null
  }
  return {
    clear,
    show: ({ phase: now, done, total }) => {
      if (now !== phase) {
        clear()
        ;[phase, part] = [now, 0]
        if (onTerminal) bar = startBar(now, total)
      }
      bar?.update(done)
      const reached = Math.floor((PARTS * done) / total)
      if (reached === part) return
      part = reached
      out.event('generator:progress', { phase, done, total })
      if (!onTerminal) out.say(`  ${phase}: ${(100 * part) / PARTS} %`)
    },
  }
}

function startBar(phase: string, total: number): SingleBar {
  const format = `  ${phase} [{bar}] {percentage} %, {eta_formatted} left`
  const bar = new SingleBar({ format, clearOnComplete: true, stream: process.stderr })
  bar.start(total, 0)
  return bar
}

function tell(out: Output, made: GeneratorFile, file: string): void {
  const { projection, hash, isKept, trainedOn } = made
  const { latent, stages, classMean } = projection
  const dB = (value: number): string => `${value.toFixed(1)} dB`
  const informative = isInformative(projection)
  out.say(`Trained on ${trainedOn}`)
  out.say(
    `Pictures it has not seen, fitted by the latent: ${dB(latent)}; by every stage: ${dB(stages)}; their class means: ${dB(classMean)}`,
  )
  if (!informative) {
    out.say(
      'The latent is less than 1 dB better than class means: this prior tells an attacker nothing. Train longer, or on more pictures',
    )
  }
  out.say(`Generator ${file}${isKept ? ' (made before with these options)' : ''}`)
  out.say(`sha256    ${hash}`)
  out.finish('audit:train-generator', {
    ...{ file, hash, isKept, trainedOn, projection, isInformative: informative },
  })
}
