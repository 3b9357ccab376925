import type { Command } from 'commander'
import {
  describePartition,
  inspectDataset,
  loadDataset,
  parseDataSource,
  partition,
} from '#data/index.js'
import { addCommand, integer } from '../command.js'
import { decimals } from '#simulations/report/numbers.js'

interface DataOptions {
  readonly split: 'train' | 'test'
  readonly limit?: number
}
const withData = (command: Command): Command =>
  command
    .option('--split <split>', 'train or test', 'train')
    .option('--limit <n>', 'only the first n examples', integer({ min: 1, max: 2 ** 31 - 1 }))

const load = (source: string, options: DataOptions) =>
  loadDataset({
    ...parseDataSource(source),
    split: options.split,
    ...(options.limit === undefined ? {} : { limit: options.limit }),
  })

export function registerData(program: Command): void {
  const data = program.command('data').description('look at data sets and how they are shared out')
  addCommand<DataOptions>(data, 'inspect <source>', {
    describe: 'shape, classes, counts and ranges of a data set',
    options: withData,
    run: async ({ out }, options, [source]) => {
      const facts = inspectDataset(await load(source ?? '', options))
      out.table(
        ['what', 'value'],
        [
          ['examples', facts.count],
          ['input shape', facts.inputShape.join(' × ')],
          ['classes', facts.classes.length],
          ['mean', decimals(facts.mean)],
          ['standard deviation', decimals(facts.std)],
          ['range', `${facts.min} … ${facts.max}`],
        ],
      )
      out.table(
        ['class', 'examples'],
        facts.classes.map((name, label) => [name, facts.perClass[label] ?? 0]),
      )
      out.finish('data:inspect', { source, ...facts })
    },
  })
  addCommand<DataOptions & { partition: string; clients: number }>(data, 'partition <source>', {
    describe: 'how a partition shares the classes out among clients',
    options: (command) =>
      withData(command)
        .option(
          '--partition <spec>',
          'iid, dirichlet:0.5:seed=7, shards:2:seed=1, quantity:0.5:seed=1',
          'dirichlet:0.5:seed=7',
        )
        .option('--clients <n>', 'how many clients', integer({ min: 1, max: 1_000_000 }), 10),
    run: async ({ out }, options, [source]) => {
      const dataset = await load(source ?? '', options)
      const parts = partition(options.partition, dataset.labels, {
        classes: dataset.classes.length,
        clients: options.clients,
      })
      const table = describePartition(parts, dataset.labels, dataset.classes.length)
      out.table(
        ['shard', 'examples', ...dataset.classes],
        table.map((row, client) => [`${client + 1}/${table.length}`, row.total, ...row.perClass]),
      )
      out.finish('data:partition', {
        source,
        partition: options.partition,
        classes: dataset.classes,
        clients: table,
      })
    },
  })
}
