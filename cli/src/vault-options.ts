import { Option, type Command } from 'commander'
import type { CoordinatorOptions } from '#coordinator/server.js'

export interface VaultFlags {
  readonly masterKey?: string
  readonly previousMasterKey?: string
  readonly abandonOpenRounds?: boolean
}

/** Where the key lies that opens the updates of open rounds. */
export const vaultOptions = (command: Command): Command =>
  command
    .addOption(
      new Option(
        '--master-key <file>',
        'key of what lies encrypted in the data directory, outside of it; made on first use (default: keys/ID in $TRIBUTARY_HOME or ~/.tributary)',
      ).env('TRIBUTARY_MASTER_KEY'),
    )
    .option('--previous-master-key <file>', 'the key that --master-key replaces')
    .option(
      '--abandon-open-rounds',
      'where the master key is lost: open rounds that it encrypted begin anew',
    )

export const vaultOf = ({
  masterKey,
  previousMasterKey,
  abandonOpenRounds,
}: VaultFlags): NonNullable<CoordinatorOptions['vault']> => ({
  ...(masterKey === undefined ? {} : { masterKeyFile: masterKey }),
  ...(previousMasterKey === undefined ? {} : { previousMasterKeyFile: previousMasterKey }),
  ...(abandonOpenRounds === true ? { abandonUnreadable: true } : {}),
})
