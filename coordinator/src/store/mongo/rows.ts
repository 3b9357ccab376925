import type { Document } from 'mongodb'
import { canonicalJson } from '#protocol/json.js'
import type { RawKind, RawRecords, RawRow } from '#coordinator/store/raw-rows.js'
import type { MongoContext } from './context.js'
import type { RoundDocument, RunDocument, UpdateDocument } from './documents.js'
import { roundKey, updateKey } from './documents.js'

interface Source {
  readonly collection: string
  /** JSON text of a document; what is JSON text in it goes in as it lies there. */
  readonly text: (document: Document) => string
}
const named = (document: Document, names: readonly string[]): string =>
  names.map((name) => `"${name}":${canonicalJson(document[name] ?? null)}`).join(',')
const SOURCES: Readonly<Record<Exclude<RawKind, 'accepted'>, Source>> = {
  run: { collection: 'runs', text: ({ body }) => String(body) },
  head: {
    collection: 'runs',
    text: ({ _id, head }) => `{"runId":${canonicalJson(_id)},"head":${String(head)}}`,
  },
  member: {
    collection: 'roster',
    text: (member) => `{${named(member, ['runId', 'slot'])},"member":${String(member['body'])}}`,
  },
  event: {
    collection: 'events',
    text: (event) =>
      `{${named(event, ['runId', 'seq', 'at', 'type'])},"data":${String(event['data'])}}`,
  },
  node: { collection: 'nodes', text: ({ body }) => String(body) },
  user: { collection: 'users', text: ({ body }) => String(body) },
  code: {
    collection: 'codes',
    text: (code) =>
      `{"codeHash":${canonicalJson(code['_id'])},${named(code, ['purpose', 'subject', 'expiresAt', 'usedAt'])}}`,
  },
}

/** The documents of a database. Whether its files are sound is the server's business. */
export const mongoRows = (context: MongoContext): RawRecords => ({
  rows: (kind) => (kind === 'accepted' ? acceptedRows(context) : documentsOf(context, kind)),
  faults: () => [],
})

async function* documentsOf(
  context: MongoContext,
  kind: Exclude<RawKind, 'accepted'>,
): AsyncIterable<RawRow> {
  const { collection, text } = SOURCES[kind]
  for await (const document of context.collection(collection).find().sort({ _id: 1 }))
    yield { kind, where: `${collection}: ${String(document._id)}`, text: text(document) }
}

/** What slots name: a body that no slot names was never accepted. */
async function* acceptedRows(context: MongoContext): AsyncIterable<RawRow> {
  const updates = context.collection<UpdateDocument>('updates')
  const rounds = context.collection<RoundDocument>('rounds')
  for await (const run of context.collection<RunDocument>('runs').find()) {
    const own = { _id: roundKey(run._id, run.open), slots: run.slots }
    const left = rounds.find({ _id: { $regex: `^${run._id}\\|` } })
    for (const { _id: round, slots } of [own, ...(await left.toArray())]) {
      const [, of, attempt] = round.split('|')
      for (const [slot, updateId] of Object.entries(slots)) {
        const key = updateKey(round, Number(slot), updateId)
        const body = (await updates.findOne({ _id: key }))?.body ?? 'is missing'
        const place = `"runId":${canonicalJson(run._id)},"round":${of},"attempt":${attempt}`
        const text = `{${place},"slot":${slot},"updateId":"${updateId}","update":${body}}`
        yield { kind: 'accepted', where: `updates: ${key}`, text }
      }
    }
  }
}
