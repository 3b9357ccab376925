import { COMMAND } from '../command-name.js'
import { join } from 'node:path'
import type { Command } from 'commander'
import { FederationError } from '#protocol/errors.js'
import type { RunRecord } from '#protocol/record.js'
import { unwrap } from '#protocol/result.js'
import { parseRunConfig, type RunConfigInput } from '#protocol/run-config.js'
import { configCatalogue } from '#algorithms/catalogue.js'
import { assertPossible } from '#algorithms/from-config.js'
import { revealedBy } from '#algorithms/revealed.js'
import { readCached } from '#simulations/bundle-cache.js'
import { overridden } from '#simulations/experiments.js'
import { summarise } from '#simulations/report/summary.js'
import { simulate } from '#simulations/simulate.js'
import type { Api } from '../api.js'
import { addCommand, type Session } from '../command.js'
import { findRun, type LocalRun } from '../local-runs.js'
import { calibrationText, revealedIn, sayOwnersDecide, sayRevealed } from '../revealed-text.js'
import { withRuns, type RunOptions } from '../run-options.js'
import { connect } from '../sign-in.js'
import { following, sayBackend, withWorkers } from '../simulating.js'
import { printRecall } from '../summary.js'
import { printRoundHead, sayOutcome, watchRun } from '../watch.js'

interface CalibrateOptions extends RunOptions {
  readonly watch?: boolean
  readonly workers: number
  readonly set: readonly string[]
}

const LONGEST_NAME = 100
const SUFFIX = ' calibrated'

export function registerCalibrate(runs: Command): void {
  addCommand<CalibrateOptions>(runs, 'calibrate <run>', {
    describe:
      'correct the head of a finished run’s model by what its clients tell of their features: a new run of one round',
    options: (command) =>
      withWorkers(withRuns(command))
        .option('--watch', 'follow it to its end')
        .option(
          '--set <key=value...>',
          'override a configuration key, for example calibration.covMode=diag',
          [],
        )
        .addHelpText('after', `\n${calibrationText('ccvr')}`),
    run: async (session, options, [run = '']) => {
      const local = await findRun(run, options.runsDir)
      if (local !== null && local.record.kind !== 'deployed')
        return calibrateHere(session, options, local)
      if (options.local === true) {
        throw new FederationError(
          'run/not-found',
          `No simulated run '${run}' in ${options.runsDir}`,
        )
      }
      return calibrateThere(session, options, local?.record.runId ?? run)
    },
  })
}

/**
 * The configuration of a run that calibrates another one's model: what that run had, without training. `overrides` are
 * `key.path=value`. Throws `run/under-way`, `model/not-found` and `usage/bad-value`.
 */
export function calibratedInput(record: RunRecord, overrides: readonly string[]): RunConfigInput {
  const { runId, state, name, modelHash, config } = record
  if (state === 'running' || state === 'waiting') {
    throw new FederationError('run/under-way', `The run ${runId} is under way, its model not final`)
  }
  if (modelHash === null)
    throw new FederationError('model/not-found', `The run ${runId} has left no model`)
  const { diagnostics: _diagnostics, ...evaluation } = config.evaluation
  // It trains nothing, so an audit before it would find nothing.
  const { audit: _audit, ...rest } = config
  const input = {
    ...rest,
    name: `${name.slice(0, LONGEST_NAME - SUFFIX.length)}${SUFFIX}`,
    rounds: 0,
    startFrom: modelHash,
    evaluation: { ...evaluation, every: 1, earlyStop: null },
    calibration: { name: 'ccvr' },
  }
  return overridden(input, overrides)
}

async function calibrateThere(
  session: Session,
  options: CalibrateOptions,
  id: string,
): Promise<void> {
  const { out } = session
  const api = await connect(options)
  const record = await api.call('GET /api/runs/:id', { id })
  const config = calibratedInput(record, options.set)
  const revealed = revealedIn(config)
  sayRevealed(session, revealed)
  sayOwnersDecide(session, revealed)
  const absent = await absentMembers(api, record)
  if (absent.length > 0) {
    out.say(
      `Not connected: ${absent.join(', ')}. Only nodes that are connected when the round opens take part`,
    )
  }
  const { runId } = await api.call('POST /api/runs', { body: { config } })
  out.say(`Started ${runId}, the calibration of ${record.name}`)
  const started = { runId, of: record.runId, absent }
  if (options.watch !== true) {
    out.say(`Follow it:  ${COMMAND} runs watch ${runId}`)
    out.finish('runs:calibrate', started)
    return
  }
  const calibrated = await watchRun(session, api, runId)
  printRecall(out, calibrated)
  out.finish('runs:calibrate', {
    ...{ ...started, state: calibrated.state },
    ...summarise(calibrated),
  })
  if (calibrated.state === 'failed') process.exitCode = 1
}

/** Names of members that could take part and are not there. */
async function absentMembers(api: Api, { roster }: RunRecord): Promise<readonly string[]> {
  const { nodes } = await api.call('GET /api/nodes')
  const gone = new Set(
    nodes.flatMap((node) => (node.online || node.revokedAt !== null ? [] : [node.nodeId])),
  )
  return roster.flatMap(({ nodeId, name }) => (nodeId !== null && gone.has(nodeId) ? [name] : []))
}

/** With the same simulated clients. */
async function calibrateHere(
  session: Session,
  options: CalibrateOptions,
  { record, directory }: LocalRun,
): Promise<void> {
  const { out, signal } = session
  const input = calibratedInput(record, options.set)
  const config = unwrap(parseRunConfig(input, configCatalogue()))
  assertPossible(config)
  sayRevealed(session, revealedBy(config))
  const path = join(directory, 'model.bundle')
  const start = await readCached(path)
  if (start === null) throw new FederationError('model/not-found', `There is no ${path}`)
  printRoundHead(session)
  const simulated = await simulate(config, {
    ...{ workers: options.workers, runsDirectory: options.runsDir, signal, start },
    onBackend: sayBackend(session),
    ...following(session),
  })
  sayOutcome(session, simulated.record)
  printRecall(out, simulated.record)
  const { runId } = simulated.record
  out.say(`Look at it:  ${COMMAND} runs show ${runId} --local`)
  out.finish('runs:calibrate', {
    ...{ runId, of: record.runId, state: simulated.record.state },
    ...summarise(simulated.record),
    model: simulated.model,
  })
}
