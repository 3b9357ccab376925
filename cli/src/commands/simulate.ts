import { COMMAND } from '../command-name.js'
import type { Command } from 'commander'
import { asFederationError, FederationError } from '#protocol/errors.js'
import type { RunRecord } from '#protocol/record.js'
import { loadExperiment, readExperiment } from '#simulations/experiments.js'
import { replay } from '#simulations/replay.js'
import type { SimulatedRun } from '#simulations/run-files.js'
import { simulate } from '#simulations/simulate.js'
import { isStudy } from '#simulations/studies/study-file.js'
import { addCommand, integerList, type Session } from '../command.js'
import { meanAndSpread, percent } from '#simulations/report/numbers.js'
import { pretrainHooks } from '../pretrain-hooks.js'
import { findBundle } from '#simulations/bundle-cache.js'
import { createStarts } from '#simulations/start-from.js'
import type { Hash } from '#protocol/ids.js'
import { findRun, RUNS_DIRECTORY } from '../local-runs.js'
import { connect, remoteOptions, type RemoteOptions } from '../sign-in.js'
import { revealedBy } from '#algorithms/revealed.js'
import { sayRevealed } from '../revealed-text.js'
import { sayUpdates } from '../updates-text.js'
import { simulateStudy } from '../study.js'
import { calibrationMeans } from '#simulations/report/calibration.js'
import { clientMeans } from '#simulations/report/clients.js'
import { summarise } from '#simulations/report/summary.js'
import { calibrationLine, calibrationMeansLine } from '../calibration-text.js'
import { clientLines, clientMeansLine } from '../clients-text.js'
import { personalModelsJson, printPersonalModels } from '../personal-models-text.js'
import { printRecall } from '../summary.js'
import { following, sayBackend, withWorkers } from '../simulating.js'
import { printRoundHead, sayOutcome } from '../watch.js'

interface SimulateOptions extends RemoteOptions {
  readonly workers: number
  readonly seeds?: readonly number[]
  readonly replay?: string
  readonly personalModels?: boolean
  readonly runsDir: string
  readonly set: readonly string[]
  readonly only?: readonly string[]
  readonly resume?: boolean
  readonly results?: string
  readonly verbose?: boolean
}
export function registerSimulate(program: Command): void {
  addCommand<SimulateOptions>(program, 'simulate [experiment]', {
    describe:
      'a simulated run from a JSON file or a shipped experiment, or the replay of a recorded one',
    options: (command) =>
      withWorkers(studyOptions(remoteOptions(command)))
        .option('--seeds <list>', 'repeat with each seed, for example 0,1,2', integerList)
        .option(
          '--replay <run>',
          'run a recorded run again and compare every hash: a record file, or a run id',
        )
        .option(
          '--personal-models',
          "also write every client's own model, and say its hash: only for methods that have them",
        )
        .option('--runs-dir <dir>', 'where runs are recorded', RUNS_DIRECTORY)
        .option('--set <key=value...>', 'override a configuration key, for example rounds=5', []),
    run: async (session, options, [name]) => {
      if (options.replay !== undefined) return runReplay(session, options, options.replay)
      if (name === undefined) {
        throw new FederationError(
          'usage/bad-value',
          'Expected the name of an experiment or a JSON file, or --replay RUN',
        )
      }
      if (!(await isStudyWanted(options, name))) return runExperiment(session, options, name)
      if (options.personalModels === true) {
        const message = `--personal-models is for one run, and ${name} is many; take one of them with --only and replay it`
        throw new FederationError('usage/bad-value', message)
      }
      return simulateStudy({ ...session, onBackend: sayBackend(session) }, options, name)
    },
  })
}

/** For experiment files with variants or settings, where one command makes many runs. */
const studyOptions = (command: Command): Command =>
  command
    .option(
      '--only <variants>',
      'of an experiment with variants, run these, for example fedins,linear-probe',
      (text) => text.split(','),
    )
    .option('--resume', 'take what was finished before instead of running it again')
    .option('--results <dir>', 'keep every finished cell there; at the end, a page with pictures')
    .option('--verbose', 'of an experiment with variants, show every round')

async function isStudyWanted(options: SimulateOptions, name: string): Promise<boolean> {
  const { only, resume, results } = options
  const isAsked = only !== undefined || resume === true || results !== undefined
  return isAsked || isStudy(await readExperiment(name, options.set))
}

async function runExperiment(
  session: Session,
  options: SimulateOptions,
  name: string,
): Promise<void> {
  const seeds = options.seeds ?? [null]
  const finished: SimulatedRun[] = []
  for (const seed of seeds) {
    const override = seed === null ? options.set : [...options.set, `seed=${seed}`]
    const startOf = createStarts(pretrainHooks(session))
    const config = await loadExperiment(name, override, { startOf })
    session.out.say(
      `${config.name}: ${config.method.name}, ${config.model.name}, seed ${config.seed}, ${config.data?.clients ?? 0} clients, ${config.rounds} rounds, ${options.workers} workers`,
    )
    // The same for every seed.
    if (finished.length === 0) {
      sayRevealed(session, revealedBy(config))
      sayUpdates(session, config, 'simulation')
    }
    finished.push(await runOne(session, options, config))
    if (session.signal.aborted) break
  }
  finishSimulation(session, finished)
}

async function runOne(
  session: Session,
  options: SimulateOptions,
  config: Parameters<typeof simulate>[0],
): Promise<SimulatedRun> {
  printRoundHead(session)
  return simulate(config, {
    personalModels: options.personalModels === true,
    onBackend: sayBackend(session),
    workers: options.workers,
    runsDirectory: options.runsDir,
    signal: session.signal,
    ...following(session),
  })
}

function finishSimulation({ out }: Session, finished: readonly SimulatedRun[]): void {
  const last = finished.at(-1)
  if (last === undefined) return
  if (finished.length === 1) printRecall(out, last.record)
  for (const { personalModels } of finished) printPersonalModels(out, personalModels)
  const summaries = finished.map(({ record, model, personalModels }) => ({
    runId: record.runId,
    seed: record.config.seed,
    ...summarise(record),
    model,
    ...personalModelsJson(personalModels),
  }))
  const accuracies = summaries.flatMap(({ accuracy }) => (accuracy === null ? [] : [accuracy]))
  for (const summary of summaries) {
    out.say(
      `seed ${summary.seed}: accuracy ${summary.accuracy === null ? '–' : percent(summary.accuracy)}, ${summary.seconds.toFixed(1)} s, model ${summary.modelHash ?? '–'}`,
    )
    if (summary.calibration !== null) out.say(`  ${calibrationLine(summary.calibration)}`)
    for (const line of clientLines(summary.clients)) out.say(`  ${line}`)
  }
  const spread = accuracies.length > 1 ? meanAndSpread(accuracies) : null
  if (spread !== null)
    out.say(
      `accuracy ${percent(spread.mean)} ± ${percent(spread.spread)} over ${accuracies.length} seeds`,
    )
  const calibration = calibrationMeans(summaries.map((summary) => summary.calibration))
  if (spread !== null && calibration !== null) out.say(calibrationMeansLine(calibration))
  const clients = clientMeans(summaries.map((summary) => summary.clients))
  if (spread !== null && clients !== null) out.say(clientMeansLine(clients))
  out.say(`Model ${last.model}`)
  out.say(
    `Look at it:  ${COMMAND} runs show ${last.record.runId} --local     Compare:  ${COMMAND} compare ${finished.map(({ record }) => record.runId).join(' ')}`,
  )
  const single = summaries.at(-1)
  out.finish('simulate', {
    ...single,
    ...(spread === null
      ? {}
      : { accuracy: spread.mean, spread: spread.spread, calibration, clients, seeds: summaries }),
  })
}

async function runReplay(session: Session, options: SimulateOptions, run: string): Promise<void> {
  const local = await findRun(run, options.runsDir)
  const record =
    local?.record ?? (await (await connect(options)).call('GET /api/runs/:id', { id: run }))
  const start = local?.start ?? (await remoteStart(record, options))
  session.out.say(`Replaying ${record.name} (${record.runId}), ${record.rounds.length} rounds`)
  printRoundHead(session)
  const again = await replay(record, {
    personalModels: options.personalModels === true,
    workers: options.workers,
    runsDirectory: options.runsDir,
    signal: session.signal,
    ...(start === null ? {} : { start }),
    ...following(session),
  })
  sayOutcome(session, again.record)
  printPersonalModels(session.out, again.personalModels)
  session.out.say(`The same model: ${again.record.modelHash ?? ''}`)
  session.out.finish('simulate', {
    replayOf: record.runId,
    ...summarise(again.record),
    model: again.model,
    ...personalModelsJson(again.personalModels),
    same: true,
  })
}

/**
 * What a recorded run started from, where it does not lie beside its record: null when there is nothing to bring, because the
 * run has seeded params or its bundle is in the user's cache.
 */
async function remoteStart(
  { runId, kind, config }: RunRecord,
  options: SimulateOptions,
): Promise<Uint8Array | null> {
  const { startFrom } = config
  if (startFrom === null || (await findBundle(startFrom as Hash)) !== null) return null
  const missing = `The run ${runId} starts from the bundle ${startFrom}, which is neither in start.bundle beside its record nor in the cache`
  if (kind !== 'deployed') throw new FederationError('model/not-found', missing)
  try {
    return await (await connect(options)).start(runId)
  } catch (cause) {
    const why = asFederationError(cause).message
    throw new FederationError('model/not-found', `${missing}. Its coordinator: ${why}`, { cause })
  }
}
