import type { Command } from 'commander'
import { exportPersonalModel } from '#client/export-model.js'
import { joinFederation } from '#client/join.js'
import { readJournal } from '#client/journal.js'
import { readNodeStatus } from '#client/status.js'
import type { ClientDataRequest } from '#data/index.js'
import { parsePolicy, type Policy } from '#protocol/policy.js'
import { unwrap } from '#protocol/result.js'
import { readPublicKey } from '#simulations/audit/signing-key.js'
import { readObject } from '#simulations/experiments.js'
import { addCommand, integer, positive, type Session } from '../command.js'
import {
  auditPolicyOf,
  auditPolicyOptions,
  type AuditPolicyFlags,
} from '../audit-policy-options.js'
import { describeNodeEvent } from '../node-events.js'
import { policyText, printJournal, printStatus } from '../node-text.js'
import { toldTrust, trustOptions, type TrustOptions } from '../trust-options.js'

interface PolicyOptions extends AuditPolicyFlags {
  readonly policy?: string
  readonly allowPerExample?: true
  readonly onlyMethods?: readonly string[]
  readonly minCohort?: number
  readonly requireClip?: number
  readonly requireNoise?: number
}
interface JoinOptions extends PolicyOptions, TrustOptions {
  readonly code?: string
  readonly newKey?: true
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
interface StateOptions {
  readonly stateDir: string
}
const DEFAULT_STATE_DIR = '.tributary/client'

const dataFlags = (command: Command): Command =>
  command
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

/** What the owner of the data decides. */
const policyFlags = (command: Command): Command =>
  auditPolicyOptions(command)
    .option(
      '--allow-per-example',
      'let uploads about single examples leave: features, labels, outputs (default: refuse such tasks)',
    )
    .option(
      '--only-methods <list>',
      'take part only in runs of these methods and calibrations, for example fedavg,scaffold',
      (text) => text.split(','),
    )
    .option(
      '--min-cohort <n>',
      'take part only in rounds that ask at least n members',
      integer({ min: 1, max: 1_000_000 }),
    )
    .option(
      '--require-clip <norm>',
      'take part only in runs that clip updates to this L2 norm or less',
      positive(),
    )
    .option(
      '--require-noise <stddev>',
      'take part only in runs that add Gaussian noise of at least this standard deviation to updates',
      positive(),
    )
    .option(
      '--policy <file>',
      'the same as JSON: {"perExample": false, "methods": ["fedavg"], "minCohort": 3}; options override it',
    )

const joinFlags = (command: Command): Command =>
  policyFlags(
    dataFlags(
      trustOptions(command)
        .option('--code <code>', 'one-time code of the invitation; only needed the first time')
        .option('--new-key', 'replace the key of this node before it joins; the one before is void')
        .option('--name <name>', "the node's name (default: this machine's)")
        .option(
          '--state-dir <dir>',
          'credentials, memory and journal of this node',
          DEFAULT_STATE_DIR,
        ),
    ),
  )

const stateFlags = (command: Command): Command =>
  command.option('--state-dir <dir>', 'the node’s state directory', DEFAULT_STATE_DIR)

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

/** Options over the file over the defaults. Throws `config/unreadable`, or `config/invalid` naming the key. */
async function policyOf(options: PolicyOptions): Promise<Policy> {
  const { policy, allowPerExample, onlyMethods, minCohort, requireClip, requireNoise } = options
  // The file is judged alone, so that an option does not hide what is wrong in it.
  const written = unwrap(parsePolicy(policy === undefined ? {} : await readObject(policy)))
  const auditKey = options.auditKey === undefined ? null : await readPublicKey(options.auditKey)
  const audits = { ...options, ...(auditKey === null ? {} : { auditKey }) }
  return unwrap(
    parsePolicy({
      ...written,
      ...auditPolicyOf(audits, written.audit),
      ...(allowPerExample === undefined ? {} : { perExample: true }),
      ...(onlyMethods === undefined ? {} : { methods: [...onlyMethods] }),
      ...(minCohort === undefined ? {} : { minCohort }),
      ...(requireClip === undefined ? {} : { maxClip: requireClip }),
      ...(requireNoise === undefined ? {} : { minNoise: requireNoise }),
    }),
  )
}

async function join({ out, signal }: Session, options: JoinOptions, url: string): Promise<void> {
  const { stateDir, code, name, newKey } = options
  const trust = await toldTrust(options)
  const policy = await policyOf(options)
  out.event('client:policy', policy)
  out.say(policyText(policy))
  const joining = joinFederation({
    ...{ url, stateDir, policy, signal },
    ...(trust === undefined ? {} : { trust }),
    ...(code === undefined ? {} : { code }),
    ...(newKey === undefined ? {} : { newKey }),
    ...(name === undefined ? {} : { name }),
    data: dataOf(options),
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
}

export function registerClient(program: Command): void {
  const client = program.command('client').description('a node that trains on its own data')
  addCommand<JoinOptions>(client, 'join <url>', {
    describe: 'join a federation and take tasks until stopped',
    options: joinFlags,
    run: (session, options, [url]) => join(session, options, url ?? ''),
  })
  addCommand<StateOptions>(client, 'status', {
    describe: 'what this node has: enrolment, policy, runs with their memory and personal models',
    options: stateFlags,
    run: async ({ out }, options) => {
      const status = await readNodeStatus(options.stateDir)
      printStatus(out, status)
      out.finish('client:status', { ...status })
    },
  })
  addCommand<StateOptions>(client, 'journal', {
    describe: 'what has left this node, by run, round and class of bytes, and what it refused',
    options: stateFlags,
    run: async ({ out }, options) => {
      const journal = await readJournal(options.stateDir)
      printJournal(out, journal)
      out.finish('client:journal', { ...journal })
    },
  })
  registerExport(client)
}

function registerExport(client: Command): void {
  addCommand<StateOptions & { run: string; out: string }>(client, 'export', {
    describe:
      'write the model of this node’s own that a run has made, as a file for `models inspect`, `evaluate` and `predict`',
    options: (command) =>
      stateFlags(command)
        .option('--run <run>', 'id or name of a run, or latest', 'latest')
        .requiredOption('--out <file>', 'the file to write'),
    run: async ({ out }, { stateDir, run, out: file }) => {
      const exported = await exportPersonalModel({ stateDir, run, out: file })
      const { name, runId, slot, parameters, sha256, method } = exported
      out.say(
        `Model   ${exported.out}: ${method}, slot ${slot} of ${name} (${runId}), ${parameters.toLocaleString('en')} parameters`,
      )
      out.say(`SHA-256 ${sha256}  (of the params)`)
      out.finish('client:export', { ...exported })
    },
  })
}
