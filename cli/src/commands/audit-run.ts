import { join } from 'node:path'
import { Option, type Command } from 'commander'
import { AUDIT_BUDGETS, type AuditBudgetName } from '#protocol/audit-config.js'
import { AUDIT_LEVELS, isAbove, levelText, type AuditLevel } from '#protocol/audit-level.js'
import { FederationError } from '#protocol/errors.js'
import type { ComputeConfig } from '#protocol/run-config.js'
import { judgementOf } from '#algorithms/audit/soundness.js'
import { durationText } from '#coordinator/audit-gate/progress.js'
import { runAudit, type FinishedAudit } from '#simulations/audit/audit.js'
import type { AuditProgress } from '#simulations/audit/estimate.js'
import { openAudit, type OpenAudit } from '#simulations/audit/open-audit.js'
import { readSigningKey, signingKeyAt, type SigningKey } from '#simulations/audit/signing-key.js'
import { createStarts } from '#simulations/start-from.js'
import { auditRowLines, unsoundWords, verdictLine } from '../audit-text.js'
import { backendOption } from '../backend-option.js'
import { addCommand, type Session } from '../command.js'
import { homeDirectory } from '../credentials.js'
import { dayToCome } from '../day-to-come.js'
import type { Output } from '../output.js'
import { TerminalBar } from '../progress.js'
import { pretrainHooks } from '../pretrain-hooks.js'
import { sayBackend, withWorkers } from '../simulating.js'

interface RunFlags {
  readonly config: string
  readonly budget?: AuditBudgetName
  readonly out?: string
  readonly pictures?: boolean
  readonly retainUntil?: string
  readonly failOn?: AuditLevel
  readonly resume?: boolean
  readonly workers: number
  readonly key?: string
  readonly backend?: ComputeConfig['backend']
  readonly set: readonly string[]
}

/** Exit status of an audit whose verdict is above `--fail-on`. */
const ABOVE = 3

export function registerAuditRun(audit: Command): void {
  addCommand<RunFlags>(audit, 'run', {
    describe: 'attack updates of records that you hold, and write a signed report',
    options: (command) =>
      withWorkers(command)
        .requiredOption(
          '--config <file>',
          'an audit (a file, or the name of a shipped one such as gap), or a run configuration, which is audited on canaries',
        )
        .addOption(new Option('--budget <name>', 'in place of the file’s').choices(AUDIT_BUDGETS))
        .option('--out <dir>', 'where report.json and report.html go (audits/<name>)')
        .option('--pictures', 'also write pictures; not of records of people')
        .option('--retain-until <date>', 'the day by which you will delete the pictures', (day) =>
          dayToCome(day, Date.now()),
        )
        .addOption(
          new Option('--fail-on <level>', `exit ${ABOVE} when the verdict is above it`).choices(
            AUDIT_LEVELS,
          ),
        )
        .option('--resume', 'go on with an audit that was interrupted, in the same --out')
        .option(
          '--key <file>',
          'Ed25519 key that signs: PEM, or the audit-key of a coordinator; left out: this person’s own',
        )
        .addOption(backendOption())
        .option(
          '--set <key=value...>',
          'override a key of the file, for example records.count=3',
          [],
        ),
    run: runCommand,
  })
}

async function runCommand(session: Session, flags: RunFlags): Promise<void> {
  const retainUntil = retention(flags)
  const audit = await openAudit(flags.config, {
    overrides: flags.set,
    startOf: createStarts(pretrainHooks(session)),
    onBackend: sayBackend(session),
    generator: {
      signal: session.signal,
      onBackend: sayBackend(session),
      onStart: (pictures) =>
        session.out.say(`Training the generator on ${pictures} pictures; kept for the next time`),
    },
    ...(flags.budget === undefined ? {} : { budget: flags.budget }),
    ...(flags.backend === undefined ? {} : { backend: flags.backend }),
  })
  const out = flags.out ?? join('audits', folderName(audit.spec.name))
  const { privateKey } = await keyFor(session.out, flags.key)
  sayStart(session.out, audit)
  const shown = shownProgress(session.out)
  try {
    const finished = await runAudit(audit, {
      ...{ out, retainUntil, privateKey, workers: flags.workers, signal: session.signal },
      ...{ resume: flags.resume === true, onProgress: shown.show },
      onUtilityRun: (index, of) =>
        session.out.say(`Simulating what transforms cost in accuracy: ${index + 1} of ${of}`),
    })
    shown.clear()
    await tell(session.out, finished, flags.failOn)
  } finally {
    shown.clear()
  }
}

function retention({ pictures, retainUntil }: RunFlags): string | null {
  if (pictures !== true) {
    if (retainUntil === undefined) return null
    throw new FederationError('usage/bad-value', '--retain-until is for --pictures')
  }
  if (retainUntil !== undefined) return retainUntil
  throw new FederationError(
    'usage/bad-value',
    'Pictures are what an audit is to keep from others: say with --retain-until YYYY-MM-DD until when you will have deleted them',
  )
}

async function keyFor(out: Output, path: string | undefined): Promise<SigningKey> {
  if (path !== undefined) return readSigningKey(path)
  const own = join(homeDirectory(), 'audit-key.pem')
  const key = await signingKeyAt(own)
  if (key.isNew) out.say(`Made a key that signs your reports: ${own}`)
  return key
}

function sayStart(out: Output, { spec }: OpenAudit): void {
  const { run, rows, records, budgetName, generator } = spec
  out.say(
    `${spec.name}: ${run.method.name}, ${run.model.name}, ${rows.length} rows, ${records.count} ${records.basis} records, ${generator === null ? 'no generator' : 'with a generator'}, budget ${budgetName}`,
  )
}

async function tell(
  out: Output,
  { signed, files, resumed }: FinishedAudit,
  most?: AuditLevel,
): Promise<void> {
  const { report, signature } = signed
  const { verdict: judged, obstacles, laxities, strictnesses } = await judgementOf(report)
  const { level: verdict, because } = judged
  const isSound = report.isSound && obstacles.length === 0
  out.table(
    ['defence', 'records', 'steps', 'labels', 'best method', 'PSNR', 'gain', 'told', 'verdict'],
    auditRowLines(report),
  )
  out.say(verdictLine(judged))
  for (const one of [...laxities, ...strictnesses]) out.say(one)
  out.say(`Report ${files.html}, to be checked and shared with ${files.json}`)
  out.say(`Signed with the key ${signature.publicKey}`)
  const isFailed = most !== undefined && isAbove(verdict, most)
  out.finish('audit:run', {
    ...{ name: report.name, verdict, because, isSound, resumed },
    rows: report.rows.map(({ id, verdict, because }) => ({ id, verdict, because })),
    ...{ report: files.json, page: files.html, publicKey: signature.publicKey },
    ...{ seconds: report.seconds, settingsHash: report.settingsHash, isFailed },
  })
  if (!isSound) throw new FederationError('audit/unsound', unsoundWords(obstacles))
  if (isFailed) {
    out.say(`The verdict is above ${levelText(most)}`)
    process.exitCode = ABOVE
  }
}

/** As a name of a folder on any system. */
const folderName = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '') || 'audit'

interface ShownProgress {
  readonly show: (progress: AuditProgress) => void
  readonly clear: () => void
}

/** A bar on a terminal; elsewhere a line when a batch is done, and an event for scripts. */
function shownProgress(out: Output): ShownProgress {
  const bar = new TerminalBar(out)
  let cells: number | null = null
  return {
    clear: () => bar.clear(),
    show: (progress) => {
      const text = progressText(progress)
      if (cells === null) bar.start('  [{bar}] {percentage} % {text}', PARTS, { text })
      bar.update(Math.floor(PARTS * progress.share), { text })
      if (progress.cells === cells) return
      cells = progress.cells
      if (bar.isShown) return
      out.event('audit:progress', { ...progress })
      out.say(text)
    },
  }
}
/** Of a bar. */
const PARTS = 1000

function progressText({ cells, of, secondsLeft, now }: AuditProgress): string {
  const methods = [...new Set(now.map(({ method }) => method).filter((name) => name !== ''))]
  const left = secondsLeft === null ? '' : `, about ${durationText(secondsLeft)} left`
  const doing = methods.length === 0 ? '' : ` (${methods.join(', ')})`
  return `${cells} of ${of} batches${doing}${left}`
}
