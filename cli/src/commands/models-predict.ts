import type { Command } from 'commander'
import { loadDataset, matchCard, parseDataSource, wholeDataset } from '#data/index.js'
import { FederationError } from '#protocol/errors.js'
import type { ComputeConfig } from '#protocol/run-config.js'
import { openModel, type Prediction } from '#simulations/open-model.js'
import { addCommand, integer } from '../command.js'
import { percent } from '#simulations/report/numbers.js'

interface PredictOptions {
  readonly data: string
  readonly shift?: string
  readonly split: 'train' | 'test'
  readonly backend: Exclude<ComputeConfig['backend'], 'auto'>
  readonly limit: number
}

export function registerPredict(models: Command): void {
  addCommand<PredictOptions>(models, 'predict <bundle>', {
    describe: 'what an exported model says about each example of a data set',
    options: (command) =>
      command
        .requiredOption('--data <source>', 'as for evaluate; labels are shown beside, not used')
        .option('--shift <spec>', 'domains to put the examples into, as for client join')
        .option('--split <split>', 'train or test', 'test')
        .option('--backend <name>', 'wasm, native, cpu', 'wasm')
        .option('--limit <n>', 'the first n examples', integer({ min: 1, max: 2 ** 31 - 1 }), 10),
    run: async ({ out }, options, [path]) => {
      const model = await openModel(path ?? '', options.backend)
      try {
        const { data, shift, split, limit } = options
        const source = { ...parseDataSource(data), ...(shift === undefined ? {} : { shift }) }
        const dataset = await loadDataset({ ...source, split, limit })
        const card = { inputShape: [...dataset.inputShape], classes: [...dataset.classes] }
        const mismatch = matchCard(card, model.file.task)
        if (mismatch !== null) throw new FederationError('data/mismatch', mismatch)
        const predictions = await model.predictAll(wholeDataset(dataset))
        const labels = predictions.map((_, i) => dataset.classes[dataset.labels[i] ?? 0] ?? '')
        predictions.forEach((prediction, example) =>
          out.event('models:prediction', eventOf(prediction, example, labels[example] ?? '')),
        )
        out.table(
          ['example', 'label', 'prediction', 'probability', 'entries'],
          predictions.map((one, i) => [
            ...[i, labels[i] ?? '', one.class, percent(one.probabilities[one.label] ?? 0)],
            one.entries?.join(', ') ?? '–',
          ]),
        )
        const right = predictions.filter((one, i) => one.class === labels[i]).length
        out.say(`${right} of ${predictions.length} as labelled`)
        out.finish('models:predict', { examples: predictions.length, right })
      } finally {
        model.dispose()
      }
    },
  })
}

const eventOf = (
  { label, probabilities, entries, ...rest }: Prediction,
  example: number,
  is: string,
) => ({
  ...{ example, label: is, prediction: rest.class, probability: probabilities[label] ?? 0 },
  probabilities: [...probabilities],
  ...(entries === undefined ? {} : { entries: [...entries] }),
})
