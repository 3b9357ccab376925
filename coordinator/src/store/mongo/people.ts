import type { Collection } from 'mongodb'
import { FederationError } from '#protocol/errors.js'
import { canonicalJson } from '#protocol/json.js'
import type { Hash, NodeId } from '#protocol/ids.js'
import { judgeCode } from '#coordinator/store/memory-store.js'
import type { AuditRow, CodeRow, NodeRow, Store, UserRow } from '#coordinator/store/store.js'
import { isDuplicate } from './connection.js'
import { newMark, type MongoContext } from './context.js'
import { numbered } from './members.js'
import {
  parse,
  type AuditDocument,
  type CodeDocument,
  type DeniedDocument,
  type ListedDocument,
} from './documents.js'

/** Adds a document at the end of its list; false if the key is taken. */
function append(
  context: MongoContext,
  list: Collection<ListedDocument>,
  { _id, body }: Pick<ListedDocument, '_id' | 'body'>,
): Promise<boolean> {
  const mark = newMark()
  const insert = async (position: number): Promise<boolean | null> => {
    const known = await list.findOne({ _id })
    if (known !== null) return known.mark === mark
    try {
      await list.insertOne({ _id, position, body, mark })
      return true
    } catch (error) {
      if (isDuplicate(error)) return null
      throw error
    }
  }
  return context.inTurn(list.collectionName, () => numbered(() => list.countDocuments({}), insert))
}

/** Replaces the body of a document if it still is `from`. */
function replace(
  context: MongoContext,
  list: Collection<ListedDocument>,
  change: { readonly _id: string; readonly from: string; readonly to: string },
): Promise<boolean> {
  const mark = newMark()
  const { _id, from, to } = change
  return context.inTurn(list.collectionName, async () => {
    const done = await list.updateOne({ _id, body: from }, { $set: { body: to, mark } })
    return done.matchedCount === 1 || (await list.findOne({ _id }))?.mark === mark
  })
}

export function nodesIn(
  context: MongoContext,
): Pick<Store, 'addNode' | 'node' | 'nodes' | 'revokeNode' | 'replaceKey'> {
  const nodes = context.collection<ListedDocument>('nodes')
  const node: Store['node'] = async (nodeId) => {
    const found = await context.read(() => nodes.findOne({ _id: nodeId }))
    return found === null ? null : parse<NodeRow>(found.body)
  }
  /** Of a node that is not revoked; somebody else's change in between is looked at again. */
  const change = async (
    nodeId: NodeId,
    changed: (known: NodeRow) => Partial<NodeRow> | null,
  ): Promise<boolean> => {
    for (;;) {
      const known = await node(nodeId)
      const fields = known === null || known.revokedAt !== null ? null : changed(known)
      if (fields === null) return false
      const [from, to] = [canonicalJson(known), canonicalJson({ ...known, ...fields })]
      if (await replace(context, nodes, { _id: nodeId, from, to })) return true
    }
  }
  return {
    node,
    addNode: async (row) => {
      if (await append(context, nodes, { _id: row.nodeId, body: canonicalJson(row) })) return
      throw new FederationError('internal/bug', `The node ${row.nodeId} exists already`)
    },
    nodes: async () => {
      const found = await context.read(() => nodes.find().sort({ position: 1 }).toArray())
      return found.map(({ body }) => parse<NodeRow>(body))
    },
    revokeNode: (nodeId, at) => change(nodeId, () => ({ revokedAt: at })),
    replaceKey: (nodeId, from, to) =>
      change(nodeId, ({ publicKey }) => (publicKey === from ? { publicKey: to } : null)),
  }
}

export function codesIn(context: MongoContext): Pick<Store, 'addCode' | 'useCode'> {
  const codes = context.collection<CodeDocument>('codes')
  return {
    addCode: async ({ codeHash, ...code }) => {
      const $set = { ...code, mark: newMark() }
      await context.write(() => codes.updateOne({ _id: codeHash }, { $set }, { upsert: true }))
    },
    useCode: (codeHash, purpose, now) => {
      const mark = newMark()
      return context.write(async () => {
        const unused = { _id: codeHash, purpose, usedAt: null, expiresAt: { $gt: now } }
        await codes.updateOne(unused, { $set: { usedAt: now, mark } })
        const code = await codes.findOne({ _id: codeHash })
        if (code?.mark === mark) return { status: 'used-now', subject: code.subject }
        const outcome = judgeCode(code === null ? undefined : codeOf(code), purpose, now)
        // Nothing makes a code usable that was not when it was asked for above.
        return outcome.status === 'used-now' ? { status: 'unknown' } : outcome
      })
    },
  }
}
export const codeOf = (document: CodeDocument): CodeRow => ({
  codeHash: document._id as Hash,
  purpose: document.purpose as CodeRow['purpose'],
  subject: document.subject,
  expiresAt: document.expiresAt,
  usedAt: document.usedAt,
})

export function usersIn(
  context: MongoContext,
): Pick<Store, 'addUser' | 'user' | 'users' | 'replaceUser' | 'denyToken' | 'deniedTokens'> {
  const users = context.collection<ListedDocument>('users')
  const denied = context.collection<DeniedDocument>('denied')
  return {
    addUser: (user) => append(context, users, { _id: user.name, body: canonicalJson(user) }),
    user: async (name) => {
      const found = await context.read(() => users.findOne({ _id: name }))
      return found === null ? null : parse<UserRow>(found.body)
    },
    users: async () => {
      const found = await context.read(() => users.find().sort({ position: 1 }).toArray())
      return found.map(({ body }) => parse<UserRow>(body))
    },
    replaceUser: (from, to) => {
      const change = { _id: from.name, from: canonicalJson(from), to: canonicalJson(to) }
      return replace(context, users, change)
    },
    denyToken: async (jti, until) => {
      const $setOnInsert = { until }
      await context.write(() => denied.updateOne({ _id: jti }, { $setOnInsert }, { upsert: true }))
    },
    deniedTokens: (now) =>
      context.write(async () => {
        await denied.deleteMany({ until: { $lte: now } })
        return (await denied.find().toArray()).map(({ _id }) => _id)
      }),
  }
}

export function auditIn(
  context: MongoContext,
): Pick<Store, 'appendAudit' | 'audits' | 'lastAudit'> {
  const audit = context.collection<AuditDocument>('audit')
  const last = async (): Promise<AuditDocument | null> =>
    (await audit.find().sort({ _id: -1 }).limit(1).toArray())[0] ?? null
  return {
    appendAudit: (row) => {
      const mark = newMark()
      return context.inTurn('audit', async () => {
        const before = await last()
        if (before?.mark === mark) return true
        if (row.seq !== (before?._id ?? 0) + 1) return false
        try {
          await audit.insertOne({ _id: row.seq, body: canonicalJson(row), mark })
          return true
        } catch (error) {
          if (isDuplicate(error)) return false
          throw error
        }
      })
    },
    audits: async (afterSeq, limit) => {
      if (limit === 0) return []
      const found = await context.read(() =>
        audit
          .find({ _id: { $gt: afterSeq } })
          .sort({ _id: 1 })
          .limit(limit)
          .toArray(),
      )
      return found.map(({ body }) => parse<AuditRow>(body))
    },
    lastAudit: async () => {
      const found = await context.read(last)
      return found === null ? null : parse<AuditRow>(found.body)
    },
  }
}
