import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readFile, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import { FederationError } from '#protocol/errors.js'
import type { Hash } from '#protocol/ids.js'
import { canonicalJson } from '#protocol/json.js'
import { VERSION } from '#protocol/version.js'
import { count, hash, time } from '#protocol/wire.js'
import {
  absentAsNull,
  guarded,
  putFile,
  syncFile,
  syncFolder,
  writeAll,
} from '#coordinator/durable-files.js'
import {
  assertEmpty,
  blobsOf,
  copyBlobs,
  fillStore,
  recordsOf,
  type ArchivedRecord,
} from './archive.js'
import { FileBlobs } from './file-blobs.js'
import { SCHEMA_VERSION } from './migrations.js'
import { openStore, UNFINISHED_COPY, type OpenStoreOptions } from './open-store.js'
import type { Store } from './store.js'

const summarySchema = z.strictObject({
  format: z.literal(1),
  /** Of the records: those of another version are not read. */
  schemaVersion: z.int().min(1),
  /** Of the program that wrote it. */
  version: z.string(),
  madeAt: time,
  records: z.strictObject({ count, sha256: hash }),
  blobs: z.strictObject({ count, bytes: count }),
})
/** `backup.json`, written last. */
export type BackupSummary = z.output<typeof summarySchema>

const [SUMMARY, RECORDS] = ['backup.json', 'records.jsonl']

/**
 * Writes all that a coordinator needs to go on into a new folder, which is there whole or not at all: records as JSON lines and
 * blobs as files. Open rounds, bundles for single members, one-time codes and every key are left out.
 */
export async function writeBackup(
  store: Store,
  directory: string,
  madeAt: string,
): Promise<BackupSummary> {
  const target = resolve(directory)
  if ((await absentAsNull(stat(target))) !== null)
    throw new FederationError('store/not-empty', `${target} is there already`)
  const partial = `${target}.partial`
  return guarded(partial, async () => {
    await rm(partial, { recursive: true, force: true })
    await mkdir(partial, { recursive: true, mode: 0o700 })
    const blobs = await FileBlobs.open(partial)
    const hashes = await blobsOf(store)
    const bytes = await copyBlobs(store.blobs, blobs, hashes)
    await rm(join(partial, 'staging'), { recursive: true })
    const records = await writeRecords(join(partial, RECORDS), recordsOf(store))
    const summary: BackupSummary = {
      ...{ format: 1, schemaVersion: SCHEMA_VERSION, version: VERSION, madeAt, records },
      blobs: { count: hashes.size, bytes },
    }
    await putFile(join(partial, SUMMARY), Buffer.from(`${JSON.stringify(summary, null, 2)}\n`))
    await rename(partial, target)
    await syncFolder(dirname(target))
    return summary
  })
}

async function writeRecords(
  path: string,
  records: AsyncIterable<ArchivedRecord>,
): Promise<BackupSummary['records']> {
  const file = await open(path, 'wx', 0o600)
  try {
    const written = await writeLines(file, path, records)
    await syncFile(file, path)
    return written
  } finally {
    await file.close()
  }
}

async function writeLines(
  file: FileHandle,
  path: string,
  records: AsyncIterable<ArchivedRecord>,
): Promise<BackupSummary['records']> {
  const digest = createHash('sha256')
  let lines = 0
  for await (const record of records) {
    const line = Buffer.from(`${canonicalJson(record)}\n`)
    await writeAll(file, line, { path })
    digest.update(line)
    lines += 1
  }
  return { count: lines, sha256: digest.digest('hex') as Hash }
}

/** Throws `store/corrupt`, with the file's name, when a backup is not what was written. */
async function readSummary(directory: string): Promise<BackupSummary> {
  const path = join(directory, SUMMARY)
  const text = await guarded(path, () => absentAsNull(readFile(path, 'utf8')))
  if (text === null)
    throw new FederationError('usage/bad-value', `${directory} is no backup: it has no ${SUMMARY}`)
  const damaged = (cause?: unknown): FederationError =>
    new FederationError('store/corrupt', `${path} is damaged`, { details: { path }, cause })
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw damaged(cause)
  }
  const parsed = summarySchema.safeParse(value)
  if (!parsed.success) throw damaged()
  const { schemaVersion, version } = parsed.data
  if (schemaVersion !== SCHEMA_VERSION)
    throw new FederationError(
      'store/newer-version',
      `${directory} was written by version ${version}, whose records this one does not read: restore with that version, then upgrade`,
    )
  const file = join(directory, RECORDS)
  if ((await guarded(file, () => digestOf(file))) !== parsed.data.records.sha256)
    throw new FederationError('store/corrupt', `${file} is not what was backed up`, {
      details: { path: file },
    })
  return parsed.data
}

async function digestOf(path: string): Promise<string> {
  const digest = createHash('sha256')
  for await (const chunk of createReadStream(path)) digest.update(chunk as Buffer)
  return digest.digest('hex')
}

async function* readRecords(directory: string): AsyncIterable<ArchivedRecord> {
  const input = createReadStream(join(directory, RECORDS), 'utf8')
  // The file's hash was compared, so every line is what the same version of the program wrote.
  for await (const line of createInterface({ input, crlfDelay: Infinity }))
    yield JSON.parse(line) as ArchivedRecord
}

/** Where copied records go: an empty data directory, and perhaps an empty database. */
export interface CopyTarget extends Pick<OpenStoreOptions, 'url'> {
  readonly dataDir: string
}
export interface Copied {
  readonly records: number
  readonly blobs: number
  readonly bytes: number
}

/** Fills an empty data directory from a backup. `after`: told of the store when it is complete, before it is closed. */
export async function restoreBackup(
  directory: string,
  target: CopyTarget,
  after?: (store: Store) => Promise<void>,
): Promise<Copied> {
  await readSummary(directory)
  const from = FileBlobs.openReadOnly(directory)
  const hashes = new Set<Hash>()
  for await (const blob of from.list(0)) hashes.add(blob)
  return fillTarget(target, {
    copyBlobs: async (to) => ({
      blobs: hashes.size,
      bytes: await copyBlobs(from, to.blobs, hashes),
    }),
    records: () => readRecords(directory),
    ...(after === undefined ? {} : { after }),
  })
}

/** Fills an empty data directory from another one. */
export async function copyStore(
  source: Store,
  target: CopyTarget,
  after?: (store: Store) => Promise<void>,
): Promise<Copied> {
  return fillTarget(target, {
    copyBlobs: async (to) => {
      const hashes = await blobsOf(source)
      return { blobs: hashes.size, bytes: await copyBlobs(source.blobs, to.blobs, hashes) }
    },
    records: () => recordsOf(source),
    ...(after === undefined ? {} : { after }),
  })
}

interface Filling {
  copyBlobs(to: Store): Promise<Omit<Copied, 'records'>>
  records(): AsyncIterable<ArchivedRecord>
  after?(store: Store): Promise<void>
}

/** While the marker lies there, no coordinator opens the directory: it would go on from half of the records. */
async function fillTarget({ dataDir, url }: CopyTarget, filling: Filling): Promise<Copied> {
  let at: string | null = null
  const timestamp = (): string => at ?? new Date().toISOString()
  const store = await openStore(dataDir, { url, timestamp })
  const marker = join(dataDir, UNFINISHED_COPY)
  try {
    await assertEmpty(store, url === undefined ? dataDir : `${dataDir} with its database`)
    await putFile(marker, Buffer.alloc(0))
    const copied = await filling.copyBlobs(store)
    const setTime = (time: string): void => {
      at = time
    }
    const records = await fillStore({ store, setTime }, filling.records())
    at = null
    await filling.after?.(store)
    await guarded(marker, async () => {
      await rm(marker)
      await syncFolder(dataDir)
    })
    return { records, ...copied }
  } finally {
    await store.close()
  }
}
