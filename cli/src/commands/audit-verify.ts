import type { Command } from 'commander'
import type { SignedReport } from '#protocol/audit-report.js'
import { FederationError } from '#protocol/errors.js'
import { assertAbout, assertGenuine } from '#algorithms/audit/reported-risk.js'
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
          'a run configuration, or the file of an audit: is the report about that run?',
        )
        .option('--key <public key>', 'who must have signed: the key itself, or a PEM file')
        .option('--set <key=value...>', 'override a key of --config', []),
    run: (session, flags, [path = '']) => verify(session, flags, path),
  })
}

/** Throws what `assertGenuine` and `assertAbout` throw, then `audit/unsound`, then `audit/lax-thresholds`. */
export async function verify({ out }: Session, flags: VerifyFlags, path: string): Promise<void> {
  const signed = await readReport(path)
  const { report, signature } = signed
  await assertGenuine(signed, flags.key === undefined ? null : [await readPublicKey(flags.key)])
  if (flags.config !== undefined) assertAbout(report, await runIn(flags.config, flags.set))
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
  if (!isSound) throw new FederationError('audit/unsound', unsoundWords(obstacles))
  if (laxities.length > 0) throw new FederationError('audit/lax-thresholds', laxities.join('. '))
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
