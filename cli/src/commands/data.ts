import type { Command } from 'commander'
import {
  describePartition,
  describeShift,
  everyIndex,
  inspectDataset,
  loadDataset,
  openSource,
  parseDataSource,
  partition,
  type ShareCounts,
  type SplitSource,
} from '#data/index.js'
import { addCommand, integer } from '../command.js'
import type { Output } from '../output.js'
import { decimals } from '#simulations/report/numbers.js'

interface DataOptions {
  readonly split: 'train' | 'test'
  readonly limit?: number
  readonly shift?: string
}
interface PartitionOptions extends DataOptions {
  readonly partition: string
  readonly clients: number
}
const withData = (command: Command): Command =>
  command
    .option('--split <split>', 'train or test', 'train')
    .option('--limit <n>', 'only the first n examples', integer({ min: 1, max: 2 ** 31 - 1 }))
    .option(
      '--shift <spec>',
      'move examples into domains: mixed:none,rotate=90+invert:seed=7, split:…, skewed=0.5:…',
    )

const sourceOf = (text: string, { split, limit }: DataOptions): SplitSource => ({
  ...parseDataSource(text),
  split,
  ...(limit === undefined ? {} : { limit }),
})

async function inspect(out: Output, source: string, options: DataOptions): Promise<void> {
  const { shift } = options
  const dataset = await loadDataset({
    ...sourceOf(source, options),
    ...(shift === undefined ? {} : { shift }),
  })
  const facts = inspectDataset(dataset)
  const { domains } = facts
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
  if (domains !== undefined)
    out.table(
      ['domain', 'examples'],
      domains.names.map((name, i) => [name, domains.counts[i] ?? 0]),
    )
  out.finish('data:inspect', { source, ...facts })
}

/** Rows that belong to nobody, if there are any: one entry or none. */
function leftOver(
  parts: readonly Int32Array[],
  labels: Int32Array,
  classes: number,
): readonly ShareCounts[] {
  const owned = new Set(parts.flatMap((part) => [...part]))
  const rows = everyIndex(labels.length).filter((row) => !owned.has(row))
  return describePartition(rows.length === 0 ? [] : [rows], labels, classes)
}

async function shareOut(out: Output, source: string, options: PartitionOptions): Promise<void> {
  const { labels, classes, inputShape } = await openSource(sourceOf(source, options))
  const { partition: spec, clients, shift, split } = options
  const parts = partition(spec, labels, { classes: classes.length, clients })
  const table = describePartition(parts, labels, classes.length)
  const left = leftOver(parts, labels, classes.length)
  const shifted = shift === undefined ? null : describeShift(shift, { parts, inputShape, split })
  const shard = (client: number): string => `${client + 1}/${clients}`
  out.table(
    ['shard', 'examples', ...classes],
    [
      ...table.map((row, client) => [shard(client), row.total, ...row.perClass]),
      ...left.map((row) => ['nobody', row.total, ...row.perClass]),
    ],
  )
  if (shifted !== null)
    out.table(
      ['shard', ...shifted.domains],
      shifted.perClient.map((counts, client) => [shard(client), ...counts]),
    )
  out.finish('data:partition', {
    ...{ source, partition: spec, classes, clients: table },
    ...(left.length === 0 ? {} : { leftOver: left[0] }),
    ...(shifted === null ? {} : { shift, domains: shifted }),
  })
}

export function registerData(program: Command): void {
  const data = program.command('data').description('look at data sets and how they are shared out')
  addCommand<DataOptions>(data, 'inspect <source>', {
    describe: 'shape, classes, counts and ranges of a data set',
    options: withData,
    run: async ({ out }, options, [source]) => inspect(out, source ?? '', options),
  })
  addCommand<PartitionOptions>(data, 'partition <source>', {
    describe: 'how a partition shares the classes out among clients',
    options: (command) =>
      withData(command)
        .option(
          '--partition <spec>',
          'iid, dirichlet:0.5:seed=7, label-skew:0.1:max=300, shards:2:seed=1, pathological:2:seed=1, quantity:0.5:seed=1',
          'dirichlet:0.5:seed=7',
        )
        .option('--clients <n>', 'how many clients', integer({ min: 1, max: 1_000_000 }), 10),
    run: async ({ out }, options, [source]) => shareOut(out, source ?? '', options),
  })
}
