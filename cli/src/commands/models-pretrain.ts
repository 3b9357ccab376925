import { copyFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { configCatalogue } from '#algorithms/catalogue.js'
import { parseDataSource } from '#data/index.js'
import { FederationError } from '#protocol/errors.js'
import type { JsonObject } from '#protocol/json.js'
import { parsePretrainOptions } from '#protocol/pretrain-options.js'
import { unwrap } from '#protocol/result.js'
import { overridden, readObject } from '#simulations/experiments.js'
import { pretrained } from '#simulations/pretraining/pretrained.js'
import { percent } from '#simulations/report/numbers.js'
import { backendOption } from '../backend-option.js'
import { addCommand, integer } from '../command.js'
import { COMMAND } from '../command-name.js'
import { pretrainHooks } from '../pretrain-hooks.js'

interface Flags {
  readonly data?: string
  readonly shift?: string
  readonly model?: string
  readonly labels?: string
  readonly epochs?: number
  readonly batchSize?: number
  readonly learningRate?: string
  readonly keys?: number
  readonly seed?: number
  readonly backend?: string
  readonly config?: string
  readonly set: readonly string[]
  readonly out: string
}
const LARGEST = 2 ** 31 - 1

export function registerPretrain(models: Command): void {
  addCommand<Flags>(models, 'pretrain', {
    describe: 'train a backbone on public data: what a run can start from, and FedIns freezes',
    options: (command) =>
      command
        .option('--data <source>', 'public data, for example fashion-mnist')
        .option('--shift <spec>', 'domains to put the examples into, as for client join')
        .option('--model <name>', 'a model of the zoo (its options with --set model.KEY=VALUE)')
        .option('--labels <kind>', 'class, domain or joint')
        .option('--epochs <n>', 'passes over the data', integer({ min: 1, max: 10_000 }))
        .option('--batch-size <n>', 'examples per step', integer({ min: 1, max: LARGEST }))
        .option('--learning-rate <rate>', 'of the optimizer')
        .option('--keys <m>', 'key vectors for routing', integer({ min: 1, max: 65_536 }))
        .option('--seed <n>', 'of every random number', integer({ min: 0, max: LARGEST }))
        .addOption(backendOption(['auto', 'wasm', 'native', 'cpu']))
        .option('--config <file>', 'the options as JSON, as in startFrom.pretrain')
        .option('--set <key=value...>', 'override an option, for example optimizer.momentum=0', [])
        .option('--out <file>', 'where the bundle goes', 'backbone.bundle'),
    run: async (session, flags) => {
      const { out } = session
      const options = unwrap(parsePretrainOptions(await writtenIn(flags), configCatalogue()))
      const made = await pretrained(options, pretrainHooks(session))
      try {
        await copyFile(made.path, flags.out)
      } catch (cause) {
        const why = (cause as NodeJS.ErrnoException).code ?? String(cause)
        throw new FederationError('usage/bad-value', `Cannot write ${flags.out}: ${why}`, { cause })
      }
      const { train, test } = made.accuracy
      const held = test === null ? '' : `, ${percent(test)} on its test split`
      out.say(`accuracy ${percent(train)} on ${options.data.name}${held}`)
      out.say(`Backbone ${flags.out}${made.isKept ? ' (made before with these options)' : ''}`)
      out.say(`sha256   ${made.hash}`)
      out.say(
        `Start a run from it:  ${COMMAND} simulate mine.json --set 'startFrom={"file":"${flags.out}"}'`,
      )
      out.finish('models:pretrain', {
        ...{ accuracy: test ?? train, train, test, hash: made.hash },
        ...{ file: flags.out, isKept: made.isKept },
      })
    },
  })
}

/** Flags win over the file, `--set` over both. */
async function writtenIn(flags: Flags): Promise<JsonObject> {
  const file = flags.config === undefined ? {} : await readObject(flags.config)
  const source = flags.data === undefined ? [] : Object.entries(parseDataSource(flags.data))
  const named: readonly (readonly [string, string | number | undefined])[] = [
    ...source.map(([key, value]) => [`data.${key}`, value] as const),
    ['data.shift', flags.shift],
    ['model.name', flags.model],
    ['labels', flags.labels],
    ['epochs', flags.epochs],
    ['batchSize', flags.batchSize],
    ['optimizer.learningRate', flags.learningRate],
    ['keys', flags.keys],
    ['seed', flags.seed],
    ['compute.backend', flags.backend],
  ]
  const given = named.flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`]))
  return overridden(file, [...given, ...flags.set])
}
