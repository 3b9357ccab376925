import { Command, CommanderError } from 'commander'
import { asFederationError } from '#protocol/errors.js'
import { VERSION } from '#protocol/version.js'
import { fromCommander } from './command.js'
import { installFaults } from './faults.js'
import { printError } from './output.js'
import { registerBenchmark } from './commands/benchmark.js'
import { registerClient } from './commands/client.js'
import { registerCompare } from './commands/compare.js'
import { registerCoordinator } from './commands/coordinator.js'
import { registerData } from './commands/data.js'
import { registerDemo } from './commands/demo.js'
import { registerDoctor } from './commands/doctor.js'
import { registerLog } from './commands/log.js'
import { registerModels } from './commands/models.js'
import { registerNodes } from './commands/nodes.js'
import { registerPeople } from './commands/people.js'
import { registerRuns } from './commands/runs.js'
import { registerSimulate } from './commands/simulate.js'
import { registerStore } from './commands/store.js'

const REGISTER = [
  registerDemo,
  registerSimulate,
  registerCompare,
  registerCoordinator,
  registerClient,
  registerRuns,
  registerNodes,
  registerPeople,
  registerStore,
  registerLog,
  registerModels,
  registerData,
  registerDoctor,
  registerBenchmark,
]

export function createProgram(): Command {
  const program = new Command('tributary')
    .description('Federated learning: train one model on data that stay where they are')
    .version(VERSION)
    .showSuggestionAfterError()
    // An option belongs to the command that it stands behind: `benchmark` and its commands have some of the same name.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
  for (const register of REGISTER) register(program)
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
    await createProgram().parseAsync([...argv])
  } catch (cause) {
    const error = cause instanceof CommanderError ? fromCommander(cause) : asFederationError(cause)
    if (error !== null) process.exitCode = printError(error, argv.includes('--json'))
  }
}
