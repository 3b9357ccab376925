import { COMMAND } from '../command-name.js'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { once } from 'node:events'
import type { Command } from 'commander'
import { FederationError } from '#protocol/errors.js'
import { predictsByItself, readModelFile } from '#algorithms/model-file.js'
import { readConfigInput } from '#simulations/experiments.js'
import { operatorAccess } from '../access.js'
import { canAsk } from '../ask-password.js'
import { entryLink } from '../browser-link.js'
import { waitForEnter } from '../wait-for-enter.js'
import { createApi, type Api } from '../api.js'
import { addCommand, integer, type Session } from '../command.js'
import { bytes, percent } from '#simulations/report/numbers.js'
import { startProgram, type Program } from '../processes.js'
import { summarise } from '#simulations/report/summary.js'
import { printRecall } from '../summary.js'
import { revealedIn, sayRevealed } from '../revealed-text.js'
import { sayUpdatesIn } from '../updates-text.js'
import { watchRun } from '../watch.js'
import { exportRun } from './runs.js'

interface DemoOptions {
  readonly nodes: number
  readonly dir?: string
  readonly port: number
  readonly keep?: boolean
  readonly set: readonly string[]
}
const PARTITION = 'dirichlet:0.5:seed=7'

export function registerDemo(program: Command): void {
  addCommand<DemoOptions>(program, 'demo', {
    describe:
      'a coordinator and client nodes as separate processes on this machine train one model on MNIST',
    options: (command) =>
      command
        .option('--nodes <n>', 'how many client nodes', integer({ min: 1, max: 32 }), 4)
        .option('--dir <dir>', 'where everything goes (default: a new folder in .tributary)')
        .option(
          '--port <port>',
          'port of the coordinator; 0 chooses a free one',
          integer({ min: 0, max: 65_535 }),
          0,
        )
        .option('--keep', 'go on serving afterwards, until Ctrl-C')
        .option('--set <key=value...>', 'override a configuration key, for example rounds=5', []),
    run: async (session, options) => {
      const started = performance.now()
      const directory =
        options.dir ??
        join('.tributary', `demo-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`)
      await mkdir(directory, { recursive: true })
      const programs: Program[] = []
      try {
        await runDemo(session, { ...options, directory, programs, started })
      } finally {
        await Promise.all(programs.toReversed().map((running) => running.stop()))
      }
    },
  })
}

interface Demo extends DemoOptions {
  readonly directory: string
  /** Everything started, so that everything is stopped. */
  readonly programs: Program[]
  readonly started: number
}

async function runDemo(session: Session, demo: Demo): Promise<void> {
  const { out } = session
  const api = await startFederation(session, demo)
  const input = await readConfigInput('mnist-demo', demo.set)
  sayRevealed(session, revealedIn(input))
  sayUpdatesIn(session, input)
  const { runId } = await api.call('POST /api/runs', { body: { config: input } })
  const record = await watchRun(session, api, runId)
  if (record.state !== 'finished') {
    throw new FederationError(
      'algorithm/failed',
      `The demo's run ended as ${record.state}: ${record.reason ?? 'interrupted'}`,
    )
  }
  const exported = await exportRun(api, runId, join(demo.directory, 'export'))
  const summary = summarise(record)
  const total = (performance.now() - demo.started) / 1000
  printRecall(out, record)
  const before = record.rounds.at(0)?.metrics['accuracy']
  out.say('')
  out.say(
    `Accuracy  ${shareText(before)} before, ${shareText(summary.accuracy)} after ${summary.rounds} rounds`,
  )
  out.say(
    `Traffic   ${bytes(summary.bytesUp)} up, ${bytes(summary.bytesDown)} down, in ${total.toFixed(1)} s with ${demo.nodes} nodes`,
  )
  out.say(`Model     ${exported.model}`)
  out.say(`Record    ${exported.record}`)
  out.say('')
  out.say('Go on:')
  out.say(`  ${COMMAND} ${await modelCommand(demo, exported.model)}`)
  out.say(`  ${COMMAND} simulate --replay ${exported.record}      (the same bytes, in one process)`)
  out.say(`  ${COMMAND} simulate mnist-fedavg-dirichlet --seeds 0,1,2`)
  await stayOpen(session, { ...demo, url: api.url })
  out.finish('demo', {
    ...summary,
    seconds: total,
    accuracyBefore: before ?? null,
    runId,
    model: exported.model,
    record: exported.record,
    url: api.url,
  })
}

/** As long as somebody may be looking at the dashboard. Where nobody can press a key, only where that was asked for. */
async function stayOpen(
  { out, signal }: Session,
  { keep, url, directory }: Demo & { readonly url: string },
): Promise<void> {
  if (keep === true && !signal.aborted) {
    out.say(`\nStill serving at ${url}; data in ${directory}. Ctrl-C ends it.`)
    await once(signal, 'abort')
  } else if (!out.json && canAsk() && !signal.aborted) {
    out.say(`\nThe dashboard at ${url} stays open until you press Enter.`)
    await waitForEnter(signal)
  }
}

const nodeName = (number: number): string => `node-${String(number).padStart(2, '0')}`

const shareText = (value: number | null | undefined): string =>
  value === null || value === undefined ? '–' : percent(value)

/** What to do with the model next: where clients have models of their own, the first node's is the one to look at. */
async function modelCommand({ directory }: Demo, model: string): Promise<string> {
  return predictsByItself(readModelFile(await readFile(model)))
    ? `models evaluate ${model} --data mnist`
    : `client export --run latest --state-dir ${join(directory, nodeName(1))} --out own.bundle`
}

/** Coordinator first, then every node with an invitation of its own; resolves when all are connected. */
async function startFederation(session: Session, demo: Demo): Promise<Api> {
  const { directory, nodes } = demo
  const dataDir = join(directory, 'coordinator')
  const coordinator = startProgram(
    [
      ...['coordinator', 'start', '--data-dir', dataDir, '--port', String(demo.port)],
      // Beside what it opens, so that a demo leaves nothing among the user's keys.
      ...['--master-key', join(directory, 'master-key')],
    ],
    join(directory, 'coordinator.log'),
  )
  demo.programs.push(coordinator)
  session.out.say(`Starting a coordinator and ${nodes} nodes, each a process of its own …`)
  const { url, signInCode } = (await coordinator.event('coordinator:listening')) as {
    readonly url: string
    readonly signInCode: string | null
  }
  const api = createApi(url, operatorAccess(dataDir))
  // In a directory of an earlier demo, where the first code was used.
  const code = signInCode ?? (await newCode(api))
  session.out.say(`Watch it in a browser, signed in already: ${entryLink(url, code)}`)
  await Promise.all(Array.from({ length: nodes }, (_, index) => startNode(api, demo, index + 1)))
  session.out.say(
    `Coordinator at ${url}: ${nodes} nodes connected, each with its own share of MNIST (${PARTITION})`,
  )
  session.out.event('demo:connected', { url, nodes, link: entryLink(url, code) })
  return api
}

async function newCode(api: Api): Promise<string> {
  const { code } = await api.call('POST /api/users/:id/code', { id: 'administrator' })
  return code
}

async function startNode(api: Api, demo: Demo, number: number): Promise<void> {
  const { code } = await api.call('POST /api/nodes/invite', { body: { minutes: 10 } })
  const name = nodeName(number)
  const node = startProgram(
    [
      'client',
      'join',
      api.url,
      '--code',
      code,
      '--name',
      name,
      '--state-dir',
      join(demo.directory, name),
      '--data',
      'mnist',
      '--partition',
      PARTITION,
      '--shard',
      `${number}/${demo.nodes}`,
      '--share-counts',
      // Its data are public, and their owner is whoever chooses the method.
      '--allow-per-example',
    ],
    join(demo.directory, `${name}.log`),
  )
  demo.programs.push(node)
  await node.event('node:connected')
}
