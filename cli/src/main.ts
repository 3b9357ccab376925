import { Command, CommanderError } from 'commander'
import { asFederationError } from '#protocol/errors.js'
import { VERSION } from '#protocol/version.js'
import { fromCommander } from './command.js'
import { installFaults } from './faults.js'
import { printError } from './output.js'

type Register = (program: Command) => void
const people = async (): Promise<Register> => (await import('./commands/people.js')).registerPeople
/** One module a command, loaded when it is called for: starting one must not load what the others need. */
const COMMANDS: ReadonlyMap<string, () => Promise<Register>> = new Map([
  ['demo', async () => (await import('./commands/demo.js')).registerDemo],
  ['simulate', async () => (await import('./commands/simulate.js')).registerSimulate],
  ['compare', async () => (await import('./commands/compare.js')).registerCompare],
  ['coordinator', async () => (await import('./commands/coordinator.js')).registerCoordinator],
  ['client', async () => (await import('./commands/client.js')).registerClient],
  ['runs', async () => (await import('./commands/runs.js')).registerRuns],
  ['nodes', async () => (await import('./commands/nodes.js')).registerNodes],
  ['sign-in', people],
  ['sign-out', people],
  ['users', people],
  ['store', async () => (await import('./commands/store.js')).registerStore],
  ['log', async () => (await import('./commands/log.js')).registerLog],
  ['models', async () => (await import('./commands/models.js')).registerModels],
  ['data', async () => (await import('./commands/data.js')).registerData],
  ['doctor', async () => (await import('./commands/doctor.js')).registerDoctor],
  ['benchmark', async () => (await import('./commands/benchmark.js')).registerBenchmark],
  ['audit', async () => (await import('./commands/audit.js')).registerAudit],
])

/** The commands that these arguments can mean: the one they begin with, or all where they name none (help, a mistake). */
async function registersFor([first]: readonly string[]): Promise<readonly Register[]> {
  const one = COMMANDS.get(first ?? '')
  const loaders = one === undefined ? [...new Set(COMMANDS.values())] : [one]
  return Promise.all(loaders.map((load) => load()))
}

/** The program as these arguments need it: with the command they begin with, or with all. */
export async function createProgram(args: readonly string[] = []): Promise<Command> {
  const program = new Command('tributary')
    .description('Federated learning: train one model on data that stay where they are')
    .version(VERSION)
    .showSuggestionAfterError()
    // An option belongs to the command that it stands behind: `benchmark` and its commands have some of the same name.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
  for (const register of await registersFor(args)) register(program)
  for (const command of allCommands(program)) {
    command.exitOverride().configureOutput({ outputError: () => undefined })
  }
  return program
}
const allCommands = (command: Command): readonly Command[] =>
  command.commands.flatMap((child) => [child, ...allCommands(child)])

/** The command line. Sets the exit status: 0 success, 2 bad usage or configuration, 1 failure. */
export async function main(argv: readonly string[]): Promise<void> {
  try {
    installFaults(process.env)
    const program = await createProgram(argv.slice(2))
    await program.parseAsync([...argv])
  } catch (cause) {
    const error = cause instanceof CommanderError ? fromCommander(cause) : asFederationError(cause)
    if (error !== null) process.exitCode = printError(error, argv.includes('--json'))
  }
}
