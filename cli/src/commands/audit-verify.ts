import type { Command } from 'commander'
import type { SignedReport } from '#protocol/audit-report.js'
import { coversRun, settingsHash, settingsOf, staleKeys } from '#protocol/audit-settings.js'
import { isSignatureValid } from '#protocol/audit-signature.js'
import { FederationError } from '#protocol/errors.js'
import { contradictionsIn } from '#algorithms/audit/recheck.js'
import { judgementOf } from '#algorithms/audit/soundness.js'
import { runIn } from '#simulations/audit/open-audit.js'
import { readPublicKey } from '#simulations/audit/signing-key.js'
import { readReport } from '#simulations/audit/report-files.js'
import { unsoundWords, verdictLine } from '../audit-text.js'
import { addCommand, type Session } from '../command.js'
import type { Output } from '../output.js'

interface VerifyFlags {
  readonly config?: string
  readonly key?: string
  readonly set: readonly string[]
}

export function registerAuditVerify(audit: Command): void {
  addCommand<VerifyFlags>(audit, 'verify <report>', {
    describe: 'check the signature of a report, its hashes and its verdict',
    options: (command) =>
      command
        .option(
          '--config <run>',
          'a run configuration, or the file of an audit: is the report about it?',
        )
        .option('--key <public key>', 'who must have signed: the key itself, or a PEM file')
        .option('--set <key=value...>', 'override a key of --config', []),
    run: (session, flags, [path = '']) => verify(session, flags, path),
  })
}

async function verify({ out }: Session, flags: VerifyFlags, path: string): Promise<void> {
  const signed = await readReport(path)
  const { report, signature } = signed
  await assertGenuine(signed)
  if (flags.key !== undefined) await assertSignedBy(signed, flags.key)
  if (flags.config !== undefined) await assertAbout(signed, flags.config, flags.set)
  const { verdict: judged, obstacles, laxities, strictnesses } = await judgementOf(report)
  const { level: verdict, because } = judged
  const isSound = report.isSound && obstacles.length === 0
  out.say('The report is as it was signed, and its verdict follows from its rows.')
  sayWho(out, signed, flags)
  out.say(verdictLine(judged))
  for (const one of strictnesses) out.say(one)
  out.finish('audit:verify', {
    ...{ name: report.name, verdict, because, isSound },
    ...{ createdAt: report.createdAt, publicKey: signature.publicKey },
    ...{ settingsHash: report.settingsHash, modelHash: report.modelHash },
  })
  if (laxities.length > 0) throw new FederationError('audit/bad-report', laxities.join('. '))
  if (!isSound) throw new FederationError('audit/unsound', unsoundWords(obstacles))
}

function sayWho(
  out: Output,
  { report, signature }: SignedReport,
  { key, config }: VerifyFlags,
): void {
  const whose =
    key === undefined ? `. Whose key it is, is for you to know: ${signature.publicKey}` : ''
  out.say(`Signed on ${report.createdAt.slice(0, 10)}${whose}`)
  if (config !== undefined) out.say(`It is about the settings of ${config}.`)
}

/** Signature, hash of the settings, and every number that follows from others. */
async function assertGenuine(signed: SignedReport): Promise<void> {
  const { report } = signed
  if (!isSignatureValid(signed)) {
    throw new FederationError(
      'audit/bad-report',
      'The signature does not fit: the report was changed after it was signed, or another key signed it',
    )
  }
  const contradictions = await contradictionsIn(report)
  const all =
    report.settingsHash === settingsHash(report.settings)
      ? contradictions
      : ['The settings are not those of their hash', ...contradictions]
  if (all.length > 0) throw new FederationError('audit/bad-report', all.join('. '))
}

async function assertSignedBy({ signature }: SignedReport, key: string): Promise<void> {
  if ((await readPublicKey(key)) === signature.publicKey) return
  throw new FederationError(
    'audit/not-trusted',
    `The report is signed with the key ${signature.publicKey}, and not with the one that was given`,
  )
}

/** Throws `audit/stale` and names the keys in which the run differs. */
async function assertAbout(
  { report }: SignedReport,
  config: string,
  overrides: readonly string[],
): Promise<void> {
  const stale = staleKeys(report.settings, settingsOf(await runIn(config, overrides)))
  if (stale.length > 0) {
    throw new FederationError(
      'audit/stale',
      `The report is about another run: ${stale.join(', ')} differ`,
    )
  }
  if (!coversRun(report)) {
    throw new FederationError(
      'audit/stale',
      'The report has no row with the transforms and the local steps of this run, on a batch of its size or less',
    )
  }
}
