import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { FederationError } from '#protocol/errors.js'
import type { HttpAnswer } from '#protocol/http-api.js'
import { sha256, type Hash } from '#protocol/ids.js'
import { writeReport } from '#simulations/audit/report-files.js'
import { COMMAND } from '../command-name.js'
import type { Api } from '../api.js'
import { addCommand } from '../command.js'
import { auditLines } from '../audit-gate-text.js'
import { connect, remoteOptions, type RemoteOptions } from '../sign-in.js'

type AuditView = HttpAnswer<'GET /api/runs/:id/audit'>
interface AuditOptions extends RemoteOptions {
  readonly out?: string
}

/** What an audit before the first round came to, and who lets a run start in spite of it. */
export function registerAudit(runs: Command): void {
  addCommand<AuditOptions>(runs, 'audit <run>', {
    describe:
      'the privacy audit of a run before its first round: how far it is, its verdict and report',
    options: (command) =>
      remoteOptions(command).option(
        '--out <dir>',
        'write report.json and report.html, which `audit verify` and people read',
      ),
    run: async ({ out }, options, [run = '']) => {
      const api = await connect(options)
      const view = await api.call('GET /api/runs/:id/audit', { id: run })
      for (const line of auditLines(view)) out.say(line)
      const files = options.out === undefined ? [] : await filesOf(view, run, options.out)
      for (const file of files) out.say(`Report  ${file}`)
      const { report, ...rest } = view
      out.finish('runs:audit', { runId: run, ...rest, hasReport: report !== null, files })
    },
  })
  addCommand<RemoteOptions & { reason: string }>(runs, 'override <run>', {
    describe:
      'let a run start whose privacy audit stands against it: administrators only, written to the audit log',
    options: (command) =>
      remoteOptions(command).requiredOption(
        '--reason <text>',
        'why, in up to 200 characters: it is kept in the audit log and beside the report',
      ),
    run: async ({ out }, options, [run = '']) => {
      const api = await connect(options)
      await api.call('POST /api/runs/:id/audit-override', {
        id: run,
        body: { reason: options.reason },
      })
      out.say(
        `The audit of ${run} does not stop it any more. Go on:  ${COMMAND} runs resume ${run}`,
      )
      out.finish('runs:override', { runId: run, reason: options.reason })
    },
  })
}

async function filesOf(
  { report, state }: AuditView,
  run: string,
  directory: string,
): Promise<readonly string[]> {
  if (report !== null) {
    const { json, html } = await writeReport(directory, report)
    return [json, html]
  }
  throw state === 'none'
    ? new FederationError('http/not-found', `The run ${run} has no privacy audit`)
    : new FederationError('audit/under-way', `The privacy audit of ${run} is not over yet`)
}

/** Brings a report of an audit to the coordinator; the run names it by its hash. */
export async function uploadReport(api: Api, file: string): Promise<Hash> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(file)
  } catch (cause) {
    throw new FederationError('config/unreadable', `Cannot read ${file}`, { cause })
  }
  const hash = sha256(bytes)
  await api.upload(hash, bytes)
  return hash
}
