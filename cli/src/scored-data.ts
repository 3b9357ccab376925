import {
  loadDataset,
  matchCard,
  parseDataSource,
  type Dataset,
  type SplitSource,
} from '#data/index.js'
import { FederationError } from '#protocol/errors.js'
import type { TaskConfig } from '#protocol/run-config.js'
import type { Command } from 'commander'

/** What a command says about the examples that a model is used on. */
export interface ScoredDataOptions {
  readonly data: string
  readonly shift?: string
  readonly split: 'train' | 'test'
  readonly limit?: number
}

/** `--data`, `--shift` and `--split`; each command has a `--limit` of its own. */
export const scoredDataOptions = (command: Command): Command =>
  command
    .requiredOption(
      '--data <source>',
      'mnist, fashion-mnist, idx:DIR, cifar10:DIR, images:DIR, csv:FILE:label=COLUMN, jsonl:FILE',
    )
    .option('--shift <spec>', 'domains to put the examples into, as for client join')
    .option('--split <split>', 'train or test', 'test')

/** The examples, if they are what the model was made for; throws `data/mismatch` otherwise. */
export async function scoredData(
  { data, shift, split, limit }: ScoredDataOptions,
  task: TaskConfig,
): Promise<Dataset> {
  const source: SplitSource = {
    ...{ ...parseDataSource(data), split },
    ...(shift === undefined ? {} : { shift }),
    ...(limit === undefined ? {} : { limit }),
  }
  const dataset = await loadDataset(source)
  const card = { inputShape: [...dataset.inputShape], classes: [...dataset.classes] }
  const mismatch = matchCard(card, task)
  if (mismatch !== null) throw new FederationError('data/mismatch', mismatch)
  return dataset
}
