import type { Command } from 'commander'
import { wholeDataset } from '#data/index.js'
import type { ComputeConfig } from '#protocol/run-config.js'
import { openModel, type Prediction } from '#simulations/open-model.js'
import { backendOption } from '../backend-option.js'
import { addCommand, integer } from '../command.js'
import { scoredData, scoredDataOptions, type ScoredDataOptions } from '../scored-data.js'
import { percent } from '#simulations/report/numbers.js'

interface PredictOptions extends ScoredDataOptions {
  readonly backend: Exclude<ComputeConfig['backend'], 'auto'>
}

export function registerPredict(models: Command): void {
  addCommand<PredictOptions>(models, 'predict <bundle>', {
    describe: 'what an exported model says about each example of a data set',
    options: (command) =>
      scoredDataOptions(command)
        .addOption(backendOption(['wasm', 'native', 'cpu']).default('wasm'))
        .option('--limit <n>', 'the first n examples', integer({ min: 1, max: 2 ** 31 - 1 }), 10),
    run: async ({ out }, options, [path]) => {
      const model = await openModel(path ?? '', options.backend)
      try {
        const dataset = await scoredData(options, model.file.task)
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
