import { copyFile } from 'node:fs/promises'
import type { Command } from 'commander'
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
import { backendOption } from '../backend-option.js'
import { addCommand, integer, positive, type Session } from '../command.js'
import { describeNodeEvent } from '../node-events.js'
import type { Output } from '../output.js'
import { TerminalBar } from '../progress.js'

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
  readonly backend: ComputeConfig['backend']
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
        .option('--learning-rate <rate>', 'of Adam (0.003)', positive({ max: 10 }))
        .option('--latent <n>', 'numbers a picture is made from (16)', most(4096))
        .option('--features <n>', 'channels of the blocks (12 up to 16 pixels, else 16)', most(512))
        .option('--hidden <n>', 'units of the encoder (128)', most(65_536))
        .option('--prior-weight <w>', 'of the prior against the pixels (1)', positive({ max: 100 }))
        .option('--held-out <n>', 'pictures that are kept for measuring (32)', most(1000, 2))
        .option('--unconditional', 'do not tell it the label of a picture')
        .option('--seed <n>', 'of every random number (0)', most(LARGEST, 0))
        .addOption(backendOption().default('auto'))
        .option('--threads <n>', 'of the native backend', most(1024), 1)
        .option('--out <file>', 'where the generator goes', 'generator.bundle'),
    run: async (session, flags) => {
      const { data, limit } = flags
      const source = { ...parseDataSource(data), ...(limit === undefined ? {} : { limit }) }
      const request = {
        data: { ...source, share: flags.share },
        options: optionsOf(flags),
        compute: { backend: flags.backend, threads: flags.threads },
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
  const bar = new TerminalBar(out)
  let phase = ''
  let part = 0
  return {
    clear: () => bar.clear(),
    show: ({ phase: now, done, total }) => {
      if (now !== phase) {
        ;[phase, part] = [now, 0]
        bar.start(`  ${now} [{bar}] {percentage} %, {eta_formatted} left`, total)
      }
      bar.update(done)
      const reached = Math.floor((PARTS * done) / total)
      if (reached === part) return
      part = reached
      out.event('generator:progress', { phase, done, total })
      if (!bar.isShown) out.say(`  ${phase}: ${(100 * part) / PARTS} %`)
    },
  }
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
