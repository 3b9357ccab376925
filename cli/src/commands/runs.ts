import { COMMAND } from '../command-name.js'
import type { Command } from 'commander'
import { FederationError } from '#protocol/errors.js'
import type { HttpAnswer } from '#protocol/http-api.js'
import type { RunRecord } from '#protocol/record.js'
import { isHash } from '#protocol/ids.js'
import type { RunConfigInput } from '#protocol/run-config.js'
import { findBundle } from '#simulations/bundle-cache.js'
import { completeInput, readConfigInput } from '#simulations/experiments.js'
import { createStarts, writtenStart } from '#simulations/start-from.js'
import type { Api } from '../api.js'
import { addCommand, type Session } from '../command.js'
import { percent, shortHash } from '#simulations/report/numbers.js'
import { findRecord, listLocalRecords } from '../local-runs.js'
import { revealedIn, sayOwnersDecide, sayRevealed } from '../revealed-text.js'
import { sayUpdatesIn, updatesText } from '../updates-text.js'
import { withRuns, type RunOptions } from '../run-options.js'
import { connect, remoteOptions, type RemoteOptions } from '../sign-in.js'
import { summarise } from '#simulations/report/summary.js'
import type { ShownDiagnostics } from '../diagnostics-text.js'
import { printCalibration } from '../calibration-text.js'
import { auditLines } from '../audit-gate-text.js'
import { clientLines } from '../clients-text.js'
import { clientSummary } from '#simulations/report/clients.js'
import { printRecall, ROUND_HEAD, roundRow } from '../summary.js'
import { pretrainHooks } from '../pretrain-hooks.js'
import { watchRun } from '../watch.js'
import { registerAudit, uploadReport } from './runs-audit.js'
import { registerCalibrate } from './runs-calibrate.js'
import { registerExport } from './runs-export.js'

export { exportRun } from './runs-export.js'

export function registerRuns(program: Command): void {
  const runs = program.command('runs').description('start, follow and export runs')
  registerStart(runs)
  registerList(runs)
  registerShow(runs)
  registerWatch(runs)
  registerControl(
    runs,
    'stop',
    'end a run now: its open round is given up, and `resume` tries it again',
  )
  registerControl(runs, 'resume', 'go on with a run that was stopped or has failed')
  registerExport(runs)
  registerCalibrate(runs)
  registerAudit(runs)
}

interface StartOptions extends RemoteOptions {
  readonly watch?: boolean
  readonly set: readonly string[]
  readonly auditReport?: string
}
function registerStart(runs: Command): void {
  addCommand<StartOptions>(runs, 'start <config>', {
    describe: 'start a run from a JSON file or a shipped experiment',
    options: (command) =>
      remoteOptions(command)
        .option('--watch', 'follow it to its end')
        .option('--set <key=value...>', 'override a configuration key, for example rounds=5', [])
        .option(
          '--audit-report <file>',
          'a report that `audit run` wrote for these settings, with a key that the coordinator trusts: the run is not audited again',
        ),
    run: async (session, options, [config]) => {
      const api = await connect(options)
      const written = await readConfigInput(config ?? '', options.set)
      const input = await withStart(session, api, written)
      const revealed = revealedIn(input)
      sayRevealed(session, revealed)
      sayOwnersDecide(session, revealed)
      sayUpdatesIn(session, input)
      const report = options.auditReport
      const body = {
        config: input,
        ...(report === undefined ? {} : { auditReport: await uploadReport(api, report) }),
      }
      const { runId } = await api.call('POST /api/runs', { body })
      session.out.say(`Started ${runId}`)
      if (options.watch === true) await watchRun(session, api, runId)
      else session.out.say(`Follow it:  ${COMMAND} runs watch ${runId}`)
      session.out.finish('runs:start', { runId })
    },
  })
}

/** Brings what the run starts from to the coordinator, and names it by its hash. */
async function withStart(
  session: Session,
  api: Api,
  input: RunConfigInput,
): Promise<RunConfigInput> {
  const hash =
    writtenStart(input) === null
      ? (input['startFrom'] ?? null)
      : (await completeInput(input, { startOf: createStarts(pretrainHooks(session)) })).startFrom
  if (typeof hash !== 'string' || !isHash(hash)) return input
  // A hash that a person wrote may name what only the coordinator has: it will say so if not.
  const bytes = await findBundle(hash)
  if (bytes !== null) await api.upload(hash, bytes)
  return { ...input, startFrom: hash }
}

/** One line of a list of runs: from the coordinator or from this machine. */
type RunLine = Pick<
  HttpAnswer<'GET /api/runs'>['runs'][number],
  'runId' | 'name' | 'state' | 'reason' | 'round' | 'rounds' | 'accuracy' | 'createdAt'
>
const lineOf = (record: RunRecord): RunLine => ({
  runId: record.runId,
  name: record.name,
  state: record.state,
  reason: record.reason,
  round: record.rounds.at(-1)?.round ?? 0,
  rounds: record.config.rounds,
  accuracy: summarise(record).accuracy,
  createdAt: record.createdAt,
})

function registerList(runs: Command): void {
  addCommand<RunOptions>(runs, 'list', {
    describe: 'every run with its state and accuracy',
    options: withRuns,
    run: async ({ out }, options) => {
      const lines =
        options.local === true
          ? (await listLocalRecords(options.runsDir)).map(lineOf)
          : (await (await connect(options)).call('GET /api/runs')).runs
      out.table(
        ['run', 'name', 'state', 'round', 'accuracy', 'created'],
        lines.map((line) => [
          line.runId,
          line.name,
          line.reason === null ? line.state : `${line.state}: ${line.reason}`,
          line.rounds === 0 ? String(line.round) : `${line.round}/${line.rounds}`,
          line.accuracy === null ? '–' : percent(line.accuracy),
          line.createdAt,
        ]),
      )
      if (lines.length === 0)
        out.say(`No run yet. Start one:  ${COMMAND} runs start mnist-fedavg-dirichlet`)
      out.finish('runs:list', { runs: lines })
    },
  })
}

async function recordOf(options: RunOptions, run: string): Promise<RunRecord> {
  const local = await findRecord(run, options.runsDir)
  if (local !== null) return local
  if (options.local === true)
    throw new FederationError('run/not-found', `No run '${run}' in ${options.runsDir}`)
  return (await connect(options)).call('GET /api/runs/:id', { id: run })
}

interface ShowOptions extends RunOptions {
  readonly diagnostics?: boolean
}
function registerShow(runs: Command): void {
  addCommand<ShowOptions>(runs, 'show <run>', {
    describe: 'rounds, members, calibration, configuration and fingerprint of a run',
    options: (command) =>
      withRuns(command).option(
        '--diagnostics',
        'also how alike local models are, norms of heads, and geometry of features',
      ),
    run: async (session, options, [run]) => {
      const record = await recordOf(options, run ?? '')
      showRecord(session, record)
      await showAudit(session, options, record)
      const diagnostics =
        options.diagnostics === true ? await showDiagnostics(session, record) : null
      session.out.finish('runs:show', {
        record,
        calibration: summarise(record).calibration,
        clients: clientSummary(record),
        ...(diagnostics === null ? {} : { diagnostics }),
      })
    },
  })
}

/** Of a run that asks for one, where a coordinator has it. */
async function showAudit(
  { out }: Session,
  options: RunOptions,
  { config, kind, runId }: RunRecord,
): Promise<void> {
  if (config.audit === undefined || kind !== 'deployed' || options.local === true) return
  const api = await connect(options)
  for (const line of auditLines(await api.call('GET /api/runs/:id/audit', { id: runId })))
    out.say(line)
}

/** What computes with tensors is loaded only here: every other command starts without it. */
async function showDiagnostics({ out }: Session, record: RunRecord): Promise<ShownDiagnostics> {
  const { printDiagnostics, shownDiagnostics } = await import('../diagnostics-text.js')
  printDiagnostics(out, record)
  return shownDiagnostics(record)
}

function showRecord({ out }: Session, record: RunRecord): void {
  out.say(
    `${record.name}  ${record.runId}  ${record.kind}  ${record.state}${record.reason === null ? '' : `: ${record.reason}`}`,
  )
  out.table(ROUND_HEAD, record.rounds.map(roundRow))
  out.table(
    ['slot', 'node', 'examples', 'backend', 'rounds'],
    record.roster.map((member) => [
      member.slot,
      member.name,
      member.card.counts?.train ?? '–',
      `${member.engine.backend} ${member.engine.version}, ${member.engine.threads} thread`,
      record.rounds.some(({ counts }) => counts !== undefined)
        ? 'hidden'
        : record.rounds.filter((round) => round.accepted.some(({ slot }) => slot === member.slot))
            .length,
    ]),
  )
  printCalibration(out, record)
  for (const line of clientLines(clientSummary(record))) out.say(line)
  printRecall(out, record)
  out.say(
    `configuration ${shortHash(record.configHash)}  seed ${record.config.seed}  method ${record.config.method.name}  model ${record.config.model.name}${durabilityText(record)}`,
  )
  const updates = updatesText(record.config, record.kind === 'deployed' ? 'nodes' : 'simulation')
  if (updates !== null) out.say(updates)
  if (record.modelHash !== null) out.say(`model ${record.modelHash}`)
}

/** Simulations keep no update. */
const durabilityText = ({ kind, config }: RunRecord): string =>
  kind === 'deployed' ? `  durability ${config.durability ?? 'durable'}` : ''

function registerWatch(runs: Command): void {
  addCommand<RemoteOptions>(runs, 'watch <run>', {
    describe: 'follow a run to its end; survives restarts of the coordinator',
    options: remoteOptions,
    run: async (session, options, [run]) => {
      const record = await watchRun(session, await connect(options), run ?? '')
      session.out.finish('runs:watch', {
        runId: record.runId,
        state: record.state,
        ...summarise(record),
      })
      if (record.state === 'failed') process.exitCode = 1
    },
  })
}

function registerControl(runs: Command, verb: 'stop' | 'resume', describe: string): void {
  addCommand<RemoteOptions>(runs, `${verb} <run>`, {
    describe,
    options: remoteOptions,
    run: async ({ out }, options, [run]) => {
      const api = await connect(options)
      await api.call(`POST /api/runs/:id/${verb}`, { id: run ?? '' })
      out.say(verb === 'stop' ? `Stopped ${run ?? ''}` : `Resumed ${run ?? ''}`)
      out.finish(`runs:${verb}`, { runId: run })
    },
  })
}
