import { COMMAND } from '../command-name.js'
import type { Command } from 'commander'
import { once } from 'node:events'
import { startCoordinator } from '#coordinator/server.js'
import { addCommand, integer } from '../command.js'
import { DEFAULT_DATA_DIR, DEFAULT_PORT } from '../sign-in.js'
import { storeOption, type StoreOption } from '../store-option.js'
import { vaultOf, vaultOptions, type VaultFlags } from '../vault-options.js'

interface StartOptions extends StoreOption, VaultFlags {
  readonly dataDir: string
  readonly host: string
  readonly port: number
  readonly logLevel: string
  readonly maxBundleMb: number
  readonly maxUpdateMb: number
  readonly maxRoundMb: number
}
const BYTES_PER_MB = 1_000_000

export function registerCoordinator(program: Command): void {
  const coordinator = program.command('coordinator').description('serve runs to client nodes')
  addCommand<StartOptions>(coordinator, 'start', {
    describe: 'serve until stopped; takes up the runs of its data directory',
    options: startOptions,
    run: async ({ out, signal }, { maxBundleMb, maxUpdateMb, maxRoundMb, store, ...options }) => {
      const maxBundleBytes = maxBundleMb * BYTES_PER_MB
      const limits = {
        maxUpdateBytes: maxUpdateMb * BYTES_PER_MB,
        maxRoundBytes: maxRoundMb * BYTES_PER_MB,
      }
      const coordinator = await startCoordinator({
        ...options,
        storeUrl: store,
        vault: vaultOf(options),
        maxBundleBytes,
        limits,
      })
      out.say(`Coordinator at ${coordinator.url}  (data in ${options.dataDir})`)
      if (coordinator.signInCode !== null) {
        out.say(`Administrator's sign-in code, shown once: ${coordinator.signInCode}`)
      }
      out.say(
        `Invite a node:  ${COMMAND} nodes invite        Start a run:  ${COMMAND} runs start CONFIG`,
      )
      out.event('coordinator:listening', {
        url: coordinator.url,
        signInCode: coordinator.signInCode,
        pid: process.pid,
      })
      if (!signal.aborted) await once(signal, 'abort')
      out.say('Stopping …')
      await coordinator.stop()
      out.finish('coordinator:start', { url: coordinator.url })
    },
  })
}

const startOptions = (command: Command): Command =>
  vaultOptions(storeOption(command))
    .option('--data-dir <dir>', 'where everything durable lives', DEFAULT_DATA_DIR)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option(
      '--port <port>',
      'port to listen on; 0 chooses a free one',
      integer({ min: 0, max: 65_535 }),
      DEFAULT_PORT,
    )
    .option('--log-level <level>', 'trace, debug, info, warn, error', 'info')
    .option(
      '--max-bundle-mb <n>',
      'largest bundle that may be uploaded for runs to start from',
      integer({ min: 1, max: 4_000 }),
      1_000,
    )
    .option(
      '--max-update-mb <n>',
      'largest update of one client; runs that could have larger ones are refused',
      integer({ min: 1, max: 2_000 }),
      512,
    )
    .option(
      '--max-round-mb <n>',
      'most that one round may gather of all its members; runs that could gather more are refused',
      integer({ min: 1, max: 1_000_000 }),
      4_096,
    )
