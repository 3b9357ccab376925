import { Option } from 'commander'
import type { Command } from 'commander'

/** Where records are, for every command that opens a data directory. The variable keeps a password out of lists of processes. */
export interface StoreOption {
  readonly store?: string
}
export const storeOption = (command: Command): Command =>
  command.addOption(
    new Option(
      '--store <url>',
      'where the records of the data directory are, if not in it: mongodb://HOST:PORT/DATABASE',
    ).env('TRIBUTARY_STORE'),
  )
