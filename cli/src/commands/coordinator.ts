import { signInLink } from '../browser-link.js'
import { COMMAND } from '../command-name.js'
import type { Command } from 'commander'
import { once } from 'node:events'
import { exitOnFault } from '#coordinator/ops/fatal.js'
import { createLog } from '#coordinator/ops/log.js'
import { startCoordinator, type CoordinatorHandle } from '#coordinator/server.js'
import { readPublicKey } from '#simulations/audit/signing-key.js'
import { addCommand, integer, type Session } from '../command.js'
import { registerHealth } from './coordinator-health.js'
import { registerKeys } from './coordinator-keys.js'
import type { Output } from '../output.js'
import { DEFAULT_DATA_DIR, DEFAULT_PORT } from '../sign-in.js'
import { storeOption, type StoreOption } from '../store-option.js'
import { serveOptions, serveSettings, type ServeFlags } from '../serve-options.js'
import { vaultOf, vaultOptions, type VaultFlags } from '../vault-options.js'

interface StartOptions extends StoreOption, VaultFlags, ServeFlags {
  readonly dataDir: string
  readonly host: string
  readonly port: number
  readonly logLevel: string
  readonly maxBundleMb: number
  readonly maxUpdateMb: number
  readonly maxRoundMb: number
  readonly auditKey?: readonly string[]
}
const BYTES_PER_MB = 1_000_000

export function registerCoordinator(program: Command): void {
  const coordinator = program.command('coordinator').description('serve runs to client nodes')
  addCommand<StartOptions>(coordinator, 'start', {
    describe: 'serve until stopped; takes up the runs of its data directory',
    options: startOptions,
    run: serve,
  })
  registerHealth(coordinator)
  registerKeys(coordinator)
}

async function serve({ out, signal }: Session, options: StartOptions): Promise<void> {
  const { maxBundleMb, maxUpdateMb, maxRoundMb, store, dataDir, host, port } = options
  const log = createLog(options.logLevel)
  const undo = exitOnFault(log)
  try {
    const coordinator = await startCoordinator({
      ...{ dataDir, host, port, log },
      ...serveSettings(options),
      storeUrl: store,
      auditKeys: await Promise.all((options.auditKey ?? []).map(readPublicKey)),
      vault: vaultOf(options),
      maxBundleBytes: maxBundleMb * BYTES_PER_MB,
      limits: {
        maxUpdateBytes: maxUpdateMb * BYTES_PER_MB,
        maxRoundBytes: maxRoundMb * BYTES_PER_MB,
      },
    })
    greet(out, coordinator, dataDir)
    if (!signal.aborted) await once(signal, 'abort')
    out.say('Stopping …')
    await coordinator.stop()
    out.finish('coordinator:start', { url: coordinator.url })
  } finally {
    undo()
  }
}

function greet(out: Output, coordinator: CoordinatorHandle, dataDir: string): void {
  const { url, fingerprint, signInCode, auditKey } = coordinator
  out.say(`Coordinator at ${url}  (data in ${dataDir})`)
  if (fingerprint !== null) out.say(`Fingerprint of its certificate: ${fingerprint}`)
  if (signInCode !== null) {
    out.say(`Administrator's sign-in code, shown once: ${signInCode}`)
    const pin = fingerprint === null ? '' : ` --fingerprint ${fingerprint}`
    out.say(`  in a browser:   ${signInLink(url, signInCode)}`)
    out.say(`  in a terminal:  ${COMMAND} sign-in ${url} --code ${signInCode}${pin}`)
  }
  out.say(
    `Invite a node:  ${COMMAND} nodes invite        Start a run:  ${COMMAND} runs start CONFIG`,
  )
  out.event('coordinator:listening', { url, fingerprint, signInCode, auditKey, pid: process.pid })
}

const startOptions = (command: Command): Command =>
  serveOptions(vaultOptions(storeOption(command)))
    .option('--data-dir <dir>', 'where everything durable lives', DEFAULT_DATA_DIR)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option(
      '--port <port>',
      'port to listen on; 0 chooses a free one',
      integer({ min: 0, max: 65_535 }),
      DEFAULT_PORT,
    )
    .option(
      '--audit-key <list>',
      'keys whose reports of privacy audits count for runs, beside its own: public keys or files of keys, separated by commas',
      (text: string) => text.split(','),
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
