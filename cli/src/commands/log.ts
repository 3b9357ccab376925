import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { asFederationError, FederationError } from '#protocol/errors.js'
import { isHash } from '#protocol/ids.js'
import {
  entriesOf,
  knownByHeads,
  verifyLog,
  type KnownEntry,
  type LogVerdict,
} from '#coordinator/audit/verify-log.js'
import { openStore } from '#coordinator/store/open-store.js'
import type { AuditRow } from '#coordinator/store/store.js'
import type { Api } from '../api.js'
import { addCommand, integer } from '../command.js'
import { printable } from '../printable.js'
import { connect, remoteOptions, type RemoteOptions } from '../sign-in.js'
import { storeOption, type StoreOption } from '../store-option.js'

interface LogOptions extends RemoteOptions, StoreOption {}
interface VerifyOptions extends LogOptions {
  readonly head?: string
}
interface ShowOptions extends LogOptions {
  readonly last: number
}

/** A log, wherever it is read from. */
interface LogSource {
  entries(): AsyncIterable<unknown>
  known(): Promise<readonly KnownEntry[]>
  close(): Promise<void>
}

export function registerLog(program: Command): void {
  const log = program.command('log').description('the audit log: who did what, and when')
  addCommand<VerifyOptions>(log, 'verify', {
    describe: 'check that no entry was altered, deleted, moved or cut off',
    options: (command) =>
      logOptions(command).option(
        '--head <hash>',
        'an entry that must be in the log: the head that an earlier check printed',
      ),
    run: async ({ out }, options) => {
      const expected = headOf(options)
      const verdict = await withLog(options, async (source) =>
        verifyLog(source.entries(), [...expected, ...(await source.known())]),
      )
      const { entries, head, unfinished, fault } = verdict
      if (fault !== null)
        throw new FederationError('log/broken', `Entry ${fault.index}: ${fault.reason}`, {
          details: { index: fault.index },
        })
      out.say(`${entries} entries, none altered or missing. Head: ${head ?? 'none'}`)
      sayUnfinished((line) => out.say(line), unfinished)
      out.finish('log:verify', { entries, head, unfinished })
    },
  })
  addCommand<ShowOptions>(log, 'show', {
    describe: 'print the latest entries',
    options: (command) =>
      logOptions(command).option('--last <n>', 'how many', integer({ min: 1, max: 1_000_000 }), 50),
    run: async ({ out }, options) => {
      const rows = await withLog(options, (source) => latest(source, options.last))
      out.table(
        ['#', 'at', 'actor', 'action', 'phase', 'subject', 'more'],
        rows.map(({ seq, at, actor, action, phase, subject, data }) =>
          [seq, at, actor, action, phase, subject ?? '–', JSON.stringify(data)].map((cell) =>
            printable(String(cell)),
          ),
        ),
      )
      for (const row of rows) out.event('log:entry', { ...row })
      out.finish('log:show', { entries: rows.length })
    },
  })
}

const logOptions = (command: Command): Command => storeOption(remoteOptions(command))

function sayUnfinished(say: (line: string) => void, unfinished: LogVerdict['unfinished']): void {
  if (unfinished.length === 0) return
  const which = unfinished.slice(0, 10).join(', ')
  say(`${unfinished.length} acts were begun and their outcome is not known: entries ${which}`)
}

function headOf({ head }: VerifyOptions): readonly KnownEntry[] {
  if (head === undefined) return []
  if (!isHash(head))
    throw new FederationError('usage/bad-value', `Expected 64 hexadecimal digits, got '${head}'`)
  return [{ hash: head, knownBy: '--head' }]
}

async function latest(source: LogSource, count: number): Promise<readonly AuditRow[]> {
  let rows: AuditRow[] = []
  for await (const entry of source.entries()) {
    if (entry === null) throw new FederationError('log/broken', 'An entry cannot be read')
    rows.push(entry as AuditRow)
    if (rows.length >= 2 * count) rows = rows.slice(-count)
  }
  return rows.slice(-count)
}

/** The log of the data directory, or of the coordinator that uses it, or of the one that the options name. */
async function withLog<T>(
  options: LogOptions,
  work: (source: LogSource) => Promise<T>,
): Promise<T> {
  const source = (await localLog(options)) ?? remoteLog(await connect(options))
  try {
    return await work(source)
  } finally {
    await source.close()
  }
}

/** Null: there is no data directory, another place is named, or a coordinator runs on it. */
async function localLog({ url, dataDir, store: storeUrl }: LogOptions): Promise<LogSource | null> {
  const directory = resolve(dataDir)
  const isElsewhere = url !== undefined || process.env['TRIBUTARY_URL'] !== undefined
  if (isElsewhere || !existsSync(join(directory, 'tributary.db'))) return null
  try {
    const store = await openStore(directory, { url: storeUrl })
    return {
      entries: () => entriesOf(store),
      known: () => knownByHeads(store),
      close: () => store.close(),
    }
  } catch (error) {
    if (asFederationError(error).code === 'store/locked') return null
    throw error
  }
}

function remoteLog(api: Api): LogSource {
  return {
    entries: async function* () {
      for (let after = 0; ;) {
        const { entries } = await api.call('GET /api/log', { query: { after } })
        yield* entries
        const next = entries.at(-1)?.['seq']
        if (typeof next !== 'number' || next <= after) return
        after = next
      }
    },
    known: async () => (await api.call('GET /api/log/known')).known,
    close: () => Promise.resolve(),
  }
}
