import type { Command } from 'commander'
import { joinFederation } from '#client/join.js'
import { readNodeStatus } from '#client/status.js'
import type { ClientDataRequest } from '#data/index.js'
import { addCommand } from '../command.js'
import { describeNodeEvent } from '../node-events.js'

interface JoinOptions {
  readonly code?: string
  readonly name?: string
  readonly stateDir: string
  readonly data: string
  readonly partition?: string
  readonly shard?: string
  readonly testFraction: number
  readonly limit?: number
  readonly shift?: string
  readonly shareCounts: boolean
}
const DEFAULT_STATE_DIR = '.tributary/client'

const joinFlags = (command: Command): Command =>
  command
    .option('--code <code>', 'one-time code of the invitation; only needed the first time')
    .option('--name <name>', "the node's name (default: this machine's)")
    .option('--state-dir <dir>', 'credentials, memory and journal of this node', DEFAULT_STATE_DIR)
    .requiredOption(
      '--data <source>',
      'mnist, fashion-mnist, idx:DIR, cifar10:DIR, cifar100:DIR, images:DIR, csv:FILE:label=COLUMN, jsonl:FILE',
    )
    .option(
      '--partition <spec>',
      'share the data set out: iid, dirichlet:0.5:seed=7, shards:2:seed=1, pathological:2:seed=1, quantity:0.5:seed=1',
    )
    .option('--shard <i/n>', 'which share is this node’s, for example 2/4')
    .option('--test-fraction <share>', 'share of the examples kept for testing', Number, 0.1)
    .option('--limit <n>', 'use only the first n examples of the data set', Number)
    .option(
      '--shift <spec>',
      'move examples into domains that look different: mixed:none,rotate=90+invert:seed=7, split:…, skewed=0.5:…',
    )
    .option(
      '--share-counts',
      'tell the coordinator how many examples of each class there are',
      false,
    )

function dataOf(options: JoinOptions): ClientDataRequest {
  const { data, partition, shard, testFraction, limit, shift, shareCounts } = options
  return {
    ...{ data, testFraction, shareCounts },
    ...(partition === undefined ? {} : { partition }),
    ...(shard === undefined ? {} : { shard }),
    ...(limit === undefined ? {} : { limit }),
    ...(shift === undefined ? {} : { shift }),
  }
}

export function registerClient(program: Command): void {
  const client = program.command('client').description('a node that trains on its own data')
  addCommand<JoinOptions>(client, 'join <url>', {
    describe: 'join a federation and take tasks until stopped',
    options: joinFlags,
    run: async ({ out, signal }, options, [url]) => {
      const { stateDir, code, name } = options
      const joining = joinFederation({
        url: url ?? '',
        stateDir,
        ...(code === undefined ? {} : { code }),
        ...(name === undefined ? {} : { name }),
        data: dataOf(options),
        signal,
        onEvent: (event) => {
          const { type, ...details } = event
          out.event(type, details)
          out.say(describeNodeEvent(event))
        },
      })
      const node = await joining.catch((error: unknown) => {
        // Told to leave before it was there: that is no failure.
        if (signal.aborted) return null
        throw error
      })
      await node?.closed
      out.finish('client:join', { nodeId: node?.nodeId ?? null })
    },
  })
  addCommand<{ stateDir: string }>(client, 'status', {
    describe: 'what this node has: enrolment, memory, journal',
    options: (command) =>
      command.option('--state-dir <dir>', 'the node’s state directory', DEFAULT_STATE_DIR),
    run: async ({ out }, options) => {
      const status = await readNodeStatus(options.stateDir)
      out.table(
        ['what', 'value'],
        Object.entries(status).map(([key, value]) => [
          key,
          typeof value === 'string' ? value : JSON.stringify(value),
        ]),
      )
      out.finish('client:status', { ...status })
    },
  })
}
