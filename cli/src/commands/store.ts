import type { Command } from 'commander'
import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { FederationError } from '#protocol/errors.js'
import { AuditLog } from '#coordinator/audit/audit-log.js'
import { copyStore, restoreBackup, writeBackup, type Copied } from '#coordinator/store/backup.js'
import { openInspected, openStore } from '#coordinator/store/open-store.js'
import type { Store } from '#coordinator/store/store.js'
import { verifyStore } from '#coordinator/store/verify.js'
import { addCommand } from '../command.js'
import { printable } from '../printable.js'
import { DEFAULT_DATA_DIR } from '../sign-in.js'
import { storeOption, type StoreOption } from '../store-option.js'

interface SourceOptions extends StoreOption {
  readonly dataDir: string
}
interface CopyOptions extends SourceOptions {
  readonly toDataDir: string
  readonly toStore?: string
}

const now = (): string => new Date().toISOString()
const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1)

/** Commands for the data directory of a coordinator that is stopped: only one process may have it open. */
export function registerStore(program: Command): void {
  const store = program
    .command('store')
    .description('check, back up and move what a coordinator holds (while it is stopped)')
  registerVerify(store)
  registerBackup(store)
  registerRestore(store)
  registerCopy(store)
}

const sourceOptions = (command: Command): Command =>
  storeOption(command).option(
    '--data-dir <dir>',
    "the coordinator's data directory",
    DEFAULT_DATA_DIR,
  )

/** A data directory that must be there already: opening one makes it otherwise. */
async function existing({ dataDir, store: url }: SourceOptions): Promise<{
  readonly directory: string
  readonly url: string | undefined
}> {
  const directory = resolve(dataDir)
  const isThere = await stat(join(directory, 'tributary.db')).then(
    () => true,
    () => false,
  )
  if (isThere) return { directory, url }
  throw new FederationError('usage/bad-value', `${directory} is no data directory of a coordinator`)
}

function registerVerify(parent: Command): void {
  addCommand<SourceOptions>(parent, 'verify', {
    describe: 'check every row and file; names what is damaged, and fails if anything is',
    options: sourceOptions,
    run: async ({ out }, options) => {
      const { directory, url } = await existing(options)
      const opened = await openInspected(directory, { url })
      const verdict = await verifyStore(opened).finally(() => opened.store.close())
      const { rows, blobs, bytes, damages } = verdict
      for (const { where, what } of damages) {
        out.say(printable(`damaged: ${where}: ${what}`))
        out.event('store:damage', { where, what })
      }
      out.say(`${rows} rows, ${blobs} blobs (${megabytes(bytes)} MB), ${damages.length} damaged`)
      const [first] = damages
      if (first !== undefined)
        throw new FederationError(
          'store/corrupt',
          printable(`${damages.length} damaged, the first: ${first.where}: ${first.what}`),
        )
      out.finish('store:verify', { rows, blobs, bytes, damaged: 0 })
    },
  })
}

function registerBackup(parent: Command): void {
  addCommand<SourceOptions>(parent, 'backup <folder>', {
    describe: 'write all but open rounds, one-time codes and keys into a new folder',
    options: sourceOptions,
    run: async ({ out }, options, [folder = '']) => {
      const { directory, url } = await existing(options)
      const store = await openStore(directory, { url })
      try {
        const log = await AuditLog.open(store, now)
        const act = { actor: 'operator', action: 'store.backup', subject: null }
        const summary = await log.around(act, () => writeBackup(store, folder, now()))
        const { records, blobs } = summary
        out.say(
          `Backed up ${records.count} records and ${blobs.count} blobs (${megabytes(blobs.bytes)} MB) in ${resolve(folder)}`,
        )
        out.finish('store:backup', { folder: resolve(folder), ...summary })
      } finally {
        await store.close()
      }
    },
  })
}

/** Written into the log of the store that was filled, when it is whole. */
const noteFilled =
  (action: string, from: string) =>
  async (store: Store): Promise<void> => {
    const log = await AuditLog.open(store, now)
    await log.write('done', { actor: 'operator', action, subject: null, data: { from } })
  }

const told = ({ records, blobs, bytes }: Copied): string =>
  `${records} records and ${blobs} blobs (${megabytes(bytes)} MB)`

function registerRestore(parent: Command): void {
  addCommand<SourceOptions>(parent, 'restore <folder>', {
    describe: 'fill an empty data directory (and database) from a backup',
    options: sourceOptions,
    run: async ({ out }, { dataDir, store: url }, [folder = '']) => {
      const [from, target] = [resolve(folder), resolve(dataDir)]
      const filled = noteFilled('store.restore', from)
      const copied = await restoreBackup(from, { dataDir: target, url }, filled)
      out.say(`Restored ${told(copied)} into ${target}`)
      out.finish('store:restore', { dataDir: target, ...copied })
    },
  })
}

function registerCopy(parent: Command): void {
  addCommand<CopyOptions>(parent, 'copy', {
    describe: 'fill an empty data directory (and database) from another one, as a backup would',
    options: (command) =>
      sourceOptions(command)
        .requiredOption('--to-data-dir <dir>', 'an empty or new data directory')
        .option('--to-store <url>', 'where its records are to lie, if not in it: mongodb://…'),
    run: async ({ out }, { toDataDir, toStore, ...options }) => {
      const { directory, url } = await existing(options)
      const target = resolve(toDataDir)
      const source = await openStore(directory, { url })
      try {
        const filled = noteFilled('store.copy', directory)
        const copied = await copyStore(source, { dataDir: target, url: toStore }, filled)
        out.say(`Copied ${told(copied)} into ${target}`)
        out.finish('store:copy', { dataDir: target, ...copied })
      } finally {
        await source.close()
      }
    },
  })
}
