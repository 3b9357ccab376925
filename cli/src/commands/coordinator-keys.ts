import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { readAuditKey } from '#coordinator/audit-gate/audit-key.js'
import { forgetSigningSecret } from '#coordinator/auth/secret.js'
import {
  activateNextIdentity,
  prepareNextIdentity,
  ownIdentity,
  type TlsIdentity,
} from '#coordinator/tls/certificate.js'
import { addCommand } from '../command.js'
import { COMMAND } from '../command-name.js'
import type { Output } from '../output.js'
import { DEFAULT_DATA_DIR } from '../sign-in.js'

interface KeyOptions {
  readonly dataDir: string
}
const dataDir = (command: Command): Command =>
  command.option('--data-dir <dir>', "the coordinator's data directory", DEFAULT_DATA_DIR)

/** What the keys of a data directory are, and how they are replaced. They count from the coordinator's next start. */
export function registerKeys(coordinator: Command): void {
  addCommand<KeyOptions>(coordinator, 'fingerprint', {
    describe:
      'the fingerprint of the certificate that --tls-self-signed made, and the key that signs reports of privacy audits: for nodes and people',
    options: dataDir,
    run: async ({ out }, options) => {
      const auditKey = (await readAuditKey(options.dataDir))?.publicKey ?? null
      const identity = await identityUnless(options.dataDir, auditKey !== null)
      if (identity !== null) out.say(identity.fingerprint)
      if (auditKey !== null) out.say(`Signs reports of privacy audits: ${auditKey}`)
      out.finish('coordinator:fingerprint', {
        ...(identity === null ? { fingerprint: null, expiresAt: null } : tellable(identity)),
        auditKey,
      })
    },
  })
  addCommand<KeyOptions & { activate?: true; host: string }>(coordinator, 'rotate-tls', {
    describe:
      'replace the self-signed certificate: first prepare the next and tell its fingerprint, then activate it',
    options: (command) =>
      dataDir(command)
        .option('--activate', 'put the prepared certificate in its place')
        .option('--host <address>', 'a name or address that the certificate carries', 'localhost'),
    run: async ({ out }, { dataDir: directory, activate, host }) => {
      if (activate === true) {
        const identity = await activateNextIdentity(directory)
        sayActivated(out, identity)
        out.finish('coordinator:rotate-tls', { ...tellable(identity), active: true })
        return
      }
      const identity = await prepareNextIdentity(directory, host)
      sayPrepared(out, identity)
      out.finish('coordinator:rotate-tls', { ...tellable(identity), active: false })
    },
  })
  addCommand<KeyOptions>(coordinator, 'rotate-signing', {
    describe:
      'replace the secret that signs tokens: people sign in again, nodes come back by themselves',
    options: dataDir,
    run: async ({ out }, { dataDir: directory }) => {
      await forgetSigningSecret(directory)
      out.say('The secret is gone; the coordinator makes another when it starts. Restart it now.')
      out.finish('coordinator:rotate-signing', {})
    },
  })
}

/** Without TLS there is no certificate; that is an error only where there is no other key to tell either. */
async function identityUnless(directory: string, hasOther: boolean): Promise<TlsIdentity | null> {
  try {
    return await ownIdentity(directory)
  } catch (error) {
    if (hasOther && !existsSync(join(directory, 'tls'))) return null
    throw error
  }
}

const tellable = ({ fingerprint, expiresAt }: TlsIdentity) => ({
  fingerprint,
  expiresAt: expiresAt.toISOString(),
})

function sayPrepared(out: Output, { fingerprint }: TlsIdentity): void {
  out.say(`Next certificate: ${fingerprint}`)
  out.say(
    'Let every node and person pass both fingerprints now, --fingerprint OLD,NEW. When all have,',
  )
  out.say(`  ${COMMAND} coordinator rotate-tls --activate, and restart the coordinator`)
}
function sayActivated(out: Output, { fingerprint }: TlsIdentity): void {
  out.say(`Certificate from the next start on: ${fingerprint}`)
}
