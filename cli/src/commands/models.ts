import type { Command } from 'commander'
import { CATALOGUE, configCatalogue } from '#algorithms/catalogue.js'
import { evaluate, metricsOf } from '#algorithms/evaluation/evaluate.js'
import { routingMetrics } from '#algorithms/evaluation/routing.js'
import { modelOf } from '#algorithms/from-config.js'
import { describeModel } from '#algorithms/models/describe.js'
import { featurePowerOf } from '#algorithms/models/feature-power.js'
import type { Model } from '#algorithms/models/model.js'
import { wholeDataset } from '#data/index.js'
import type { ModelFile } from '#algorithms/model-file.js'
import { tensorBytes } from '#protocol/bundle.js'
import { parseRunConfig, type ComputeConfig } from '#protocol/run-config.js'
import { unwrap } from '#protocol/result.js'
import { openModel, readModelAt } from '#simulations/open-model.js'
import { backendOption } from '../backend-option.js'
import { addCommand, inputShape, integer } from '../command.js'
import type { Output } from '../output.js'
import { scoredData, scoredDataOptions, type ScoredDataOptions } from '../scored-data.js'
import { registerImport } from './models-import.js'
import { registerMerge } from './models-merge.js'
import { registerPretrain } from './models-pretrain.js'
import { registerPredict } from './models-predict.js'
import { bytes as bytesText, decimals, percent } from '#simulations/report/numbers.js'

interface EvaluateOptions extends ScoredDataOptions {
  readonly backend: Exclude<ComputeConfig['backend'], 'auto'>
}

export function registerModels(program: Command): void {
  const models = program.command('models').description('look at and score models')
  registerInspect(models)
  registerEvaluate(models)
  registerPredict(models)
  registerImport(models)
  registerPretrain(models)
  registerMerge(models)
}

function registerInspect(models: Command): void {
  addCommand<{ shape: string; classes: number }>(models, 'inspect <model>', {
    describe:
      'blocks, shapes and parameters of a model of the zoo, or of a bundle that a run exported',
    options: (command) =>
      command
        .option('--shape <shape>', 'input shape for a model of the zoo', '28x28x1')
        .option(
          '--classes <n>',
          'number of classes for a model of the zoo',
          integer({ min: 2, max: 100_000 }),
          10,
        ),
    run: async ({ out }, options, [name]) => {
      const { model, file } = await inspected(name ?? '', options)
      if (file !== null) describeFile(out, file)
      const rows = describeModel(model)
      out.table(
        ['block', 'output', 'parameters'],
        rows.map((row) => [row.block, row.outputShape.join(' × '), row.params]),
      )
      out.say(
        `${model.name}: ${model.parameterCount.toLocaleString('en')} parameters, input ${model.inputShape.join(' × ')}, ${model.classes} classes`,
      )
      out.finish('models:inspect', {
        name: model.name,
        parameters: model.parameterCount,
        blocks: rows,
        ...(file === null ? {} : { featurePower: featurePowerOf(file.bundle) }),
      })
    },
  })
}

function registerEvaluate(models: Command): void {
  addCommand<EvaluateOptions>(models, 'evaluate <bundle>', {
    describe: 'accuracy, loss and per-class recall of an exported model on a data set',
    options: (command) =>
      scoredDataOptions(command)
        .addOption(backendOption(['wasm', 'native', 'cpu']).default('wasm'))
        .option('--limit <n>', 'only the first n examples', integer({ min: 1, max: 2 ** 31 - 1 })),
    run: async ({ out }, options, [file]) => {
      const { metrics, dataset } = await score(file ?? '', options)
      out.say(
        `accuracy ${percent(metrics['accuracy'] ?? 0)}  loss ${decimals(metrics['loss'] ?? 0)}  on ${dataset.count} examples (${options.backend})`,
      )
      out.table(
        ['class', 'recall'],
        dataset.classes.map((name) => [name, percent(metrics[`recall/${name}`] ?? 0)]),
      )
      if (dataset.domains !== undefined) {
        out.table(
          ['domain', 'accuracy'],
          dataset.domains.names.map((name) => [
            name,
            percent(metrics[`accuracy/domain/${name}`] ?? 0),
          ]),
        )
      }
      out.finish('models:evaluate', { examples: dataset.count, ...metrics })
    },
  })
}

async function score(path: string, options: EvaluateOptions) {
  const model = await openModel(path, options.backend)
  try {
    const dataset = await scoredData(options, model.file.task)
    const examples = wholeDataset(dataset)
    const { predictor } = model
    const counts = await evaluate(predictor.predict, examples, dataset.classes)
    const metrics = {
      ...metricsOf(counts, dataset),
      ...(await routingMetrics(predictor, examples)),
    }
    return { metrics, dataset }
  } finally {
    model.dispose()
  }
}

/** A layer that the model's description does not have, and what travels of a method that releases no full set of params. */
function describeFile(out: Output, { method, bundle, assets, model }: ModelFile): void {
  const power = featurePowerOf(bundle)
  if (power !== null)
    out.say(`calibrated: features enter the head to the power of ${power}, those below 0 as 0`)
  if (method === null) return
  const bytes = bundle.tensors.reduce((sum, tensor) => sum + tensorBytes(tensor), 0)
  out.table(
    ['tensor', 'shape', 'bytes'],
    bundle.tensors.map((tensor) => [tensor.name, tensor.shape.join(' × '), tensorBytes(tensor)]),
  )
  const share = bytes / (model.parameterCount * Float32Array.BYTES_PER_ELEMENT)
  out.say(
    `${method}: ${bytesText(bytes)} of tensors travel each way and round, ${percent(share)} of the model's`,
  )
  for (const [asset, hash] of Object.entries(assets)) out.say(`needs its ${asset} ${hash} once`)
}

/** A model of the zoo, or of a file. */
async function inspected(
  name: string,
  options: { shape: string; classes: number },
): Promise<{ readonly model: Model; readonly file: ModelFile | null }> {
  const zoo = CATALOGUE.models.map((entry) => entry.name)
  if (!zoo.includes(name)) {
    const file = await readModelAt(name, `neither a file nor one of ${zoo.join(', ')}`)
    return { model: file.model, file }
  }
  const classes = Array.from({ length: options.classes }, (_, label) => String(label))
  const task = { inputShape: inputShape(options.shape), classes }
  const config = unwrap(parseRunConfig({ model: { name }, task }, configCatalogue()))
  return { model: modelOf(config), file: null }
}
