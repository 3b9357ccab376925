import type { Command } from 'commander'
import { commandOf, resultTable } from '#simulations/load/load-page.js'
import { isDisturbed, type LoadBenchmark, type LoadSetting } from '#simulations/load/load-result.js'
import { keepLoadResult } from '#simulations/load/results-directory.js'
import { isMet, targetOf } from '#simulations/load/targets.js'
import { addCommand, integer, type Session } from '../command.js'
import { measureLoad, type LoadWork } from '../load/bench.js'
import { measureConnect } from '../load/connect.js'
import { measureIngest } from '../load/ingest.js'
import { measureSlowloris } from '../load/slowloris.js'
import { measureStorm } from '../load/storm.js'

type Key = keyof LoadSetting
interface LoadCommand {
  readonly name: LoadBenchmark
  readonly describe: string
  readonly work: LoadWork
  /** What can be set, and to what it is unless it is. */
  readonly defaults: Partial<LoadSetting>
}
type LoadOptions = Partial<LoadSetting> & { readonly out?: string; readonly bytes?: number }

/** What each number means, and what it may be. */
const NUMBERS: Readonly<Record<Key, readonly [flag: string, text: string, max: number]>> = {
  nodes: ['--nodes <n>', 'nodes that connect', 100_000],
  rate: ['--rate <n>', 'arrivals a second, whatever became of the ones before', 100_000],
  seconds: ['--seconds <n>', 'how long it lasts', 86_400],
  updateBytes: ['--bytes <n>', 'about as many bytes has an update', 1_000_000_000],
  waves: ['--waves <n>', 'rounds that are measured', 10_000],
  halfOpen: ['--half-open <n>', 'HTTP requests whose headers never end', 20_000],
  silent: ['--silent <n>', 'WebSockets that never say who they are', 20_000],
  stalled: ['--stalled <n>', 'uploads that are begun and go no further', 10_000],
  seed: ['--seed <n>', 'of the numbers in the updates', 1_000_000_000],
}
const EMPTY: LoadSetting = {
  ...{ nodes: 1, rate: 1, seconds: 1, updateBytes: 1000, waves: 1 },
  ...{ halfOpen: 0, silent: 0, stalled: 0, seed: 1 },
}

export const LOAD_COMMANDS: readonly LoadCommand[] = [
  {
    name: 'connect',
    describe: 'nodes connect at a fixed rate and stay: memory, lost connections, time of an answer',
    work: measureConnect,
    defaults: { nodes: 1000, rate: 200, seconds: 60 },
  },
  {
    name: 'ingest',
    describe: 'every member of a round sends its update at a fixed rate: acknowledgements, memory',
    work: measureIngest,
    defaults: { nodes: 500, rate: 50, updateBytes: 100_000, waves: 2, seed: 1 },
  },
  {
    name: 'storm',
    describe: 'the coordinator is killed in an open round, and everyone comes back at once',
    work: measureStorm,
    defaults: { nodes: 500, rate: 200, seconds: 120, updateBytes: 10_000, seed: 1 },
  },
  {
    name: 'slowloris',
    describe: 'honest nodes at work while others hold connections and say nothing with them',
    work: measureSlowloris,
    defaults: {
      ...{ nodes: 10, updateBytes: 100_000, halfOpen: 5000, silent: 2000, stalled: 200 },
      ...{ seconds: 10, seed: 1 },
    },
  },
]

/** `tributary benchmark connect|ingest|storm|slowloris`. */
export function registerLoadBenchmarks(benchmark: Command): void {
  // Its own options are those of the benchmarks that are no commands; behind one of these they are that command's.
  benchmark.enablePositionalOptions()
  for (const entry of LOAD_COMMANDS) {
    addCommand<LoadOptions>(benchmark, entry.name, {
      describe: entry.describe,
      options: (command) => withNumbers(command, entry.defaults),
      run: async (session, { out: directory, bytes, ...options }) => {
        const numbers = bytes === undefined ? options : { ...options, updateBytes: bytes }
        await measureAndSay(session, { entry, numbers, directory })
      },
    })
  }
}

function withNumbers(command: Command, defaults: Partial<LoadSetting>): Command {
  for (const key of Object.keys(defaults) as Key[]) {
    const [flag, text, max] = NUMBERS[key]
    const min = ['halfOpen', 'silent', 'stalled', 'seed'].includes(key) ? 0 : 1
    command.option(flag, text, integer({ min, max }), defaults[key])
  }
  return command.option(
    '--out <directory>',
    'add raw numbers to this directory and write <directory>.md, the page of what lies there',
  )
}

async function measureAndSay(
  session: Session,
  what: {
    readonly entry: LoadCommand
    readonly numbers: Partial<LoadSetting>
    readonly directory: string | undefined
  },
): Promise<void> {
  const { out } = session
  const { name, work, defaults } = what.entry
  const keys = Object.keys(defaults) as Key[]
  const own = Object.fromEntries(
    keys.map((key) => [key, what.numbers[key] ?? defaults[key]]),
  ) as Partial<LoadSetting>
  const { result, raw } = await measureLoad(session, name, { setting: { ...EMPTY, ...own }, work })
  const kept = { result: { ...result, setting: own }, raw }
  const page = what.directory === undefined ? null : await keepLoadResult(what.directory, kept)
  const { head, rows } = resultTable([kept.result])
  out.say(commandOf(kept.result))
  out.table(head, rows)
  const problems = Object.entries(result.problems)
  for (const [code, count] of problems) out.say(`${count} × ${code}`)
  if (isDisturbed(result)) {
    out.say(
      `Disturbed: others took ${result.foreignLoad.toFixed(2)} cores, the generator ${result.generatorShare.toFixed(2)} of one; seconds mislead`,
    )
  }
  const measures = result.measures.map((measure) => {
    const target = targetOf(kept.result, measure)
    return { ...measure, target, met: target === null ? null : isMet(target, measure.value) }
  })
  out.finish('benchmark', { ...kept.result, measures, page })
}
