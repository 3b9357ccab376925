import type { Command } from 'commander'
import { RUNS_DIRECTORY } from './local-runs.js'
import { remoteOptions, type RemoteOptions } from './sign-in.js'

/** Of commands about a run that a coordinator has, or that was simulated on this machine. */
export interface RunOptions extends RemoteOptions {
  readonly local?: boolean
  readonly runsDir: string
}
export const withRuns = (command: Command): Command =>
  remoteOptions(command)
    .option('--local', 'simulated runs recorded on this machine instead of a coordinator’s')
    .option('--runs-dir <dir>', 'where simulated runs are recorded', RUNS_DIRECTORY)
