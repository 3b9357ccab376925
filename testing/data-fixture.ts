/** What the fixtures of data directories share with the test that opens them: testing/fixtures/data-v<N>. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Hash, NodeId, RunId } from '#protocol/ids.js'
import { publicKeyOf, type KeyPair } from '#protocol/proof.js'
import type { RunRecord } from '#protocol/record.js'
import { joinFederation, type JoinOptions, type NodeHandle } from '#client/join.js'
import { createCompute } from '#coordinator/compute/create-compute.js'
import { startCoordinator, type CoordinatorHandle } from '#coordinator/server.js'
import type { AuditRow, UserRow } from '#coordinator/store/store.js'

/** Written beside the directories by the program that made them: what every later version must find there. */
export interface ExpectedFixture {
  readonly schemaVersion: number
  /** The two nodes that take part, then one that was revoked. */
  readonly nodes: readonly NodeId[]
  /** From version 2 on: everyone who has an account, a token that was ended, and the last entry of the audit log. */
  readonly people?: readonly UserRow[]
  readonly deniedTokens?: readonly string[]
  readonly audit?: AuditRow
  /** An invitation that nobody has used. */
  readonly code: string
  readonly finished: {
    readonly runId: RunId
    readonly modelHash: Hash
    readonly recordHash: Hash
    readonly events: number
  }
  /** In the middle of `round`: the update of the first node is accepted, the one of the second is ready but not sent. */
  readonly interrupted: {
    readonly runId: RunId
    readonly round: number
    readonly modelHash: Hash
    readonly recordHash: Hash
    readonly accepted: readonly Hash[]
    /** Of the run's end, once it was taken up. */
    readonly finalModelHash: Hash
  }
}

export const FIXTURES = fileURLToPath(new URL('fixtures', import.meta.url))
export const MEMBERS = ['a', 'b'] as const
export type Member = (typeof MEMBERS)[number]
/** Secrets that keep nothing: the word "test" in hexadecimal letters, over and over. */
export const THROW_AWAY_SECRET = '7e57'.repeat(16)

/** A key that keeps nothing: its secret half is the word "test" over and over. */
export const THROW_AWAY_KEY = throwAwayKey()
function throwAwayKey(): KeyPair {
  const head = '302e020100300506032b657004220420'
  const privateKey = Buffer.from(`${head}${THROW_AWAY_SECRET}`, 'hex').toString('base64url')
  return { privateKey, publicKey: publicKeyOf(privateKey) }
}

const DATA = 'synthetic:blobs:count=40:seed=3:classes=3:features=4'

export const coordinatorIn = (root: string): Promise<CoordinatorHandle> =>
  startCoordinator({
    dataDir: join(root, 'coordinator'),
    port: 0,
    logLevel: 'silent',
    // In the fixture, as nobody else has it; on a real machine it is never beside the data.
    vault: { masterKeyFile: join(root, 'master-key') },
    compute: ({ blobs }) => createCompute({ blobs }),
  })

export const nodeIn = (
  root: string,
  member: Member,
  { url, onEvent }: Pick<JoinOptions, 'url' | 'onEvent'>,
): Promise<NodeHandle> =>
  joinFederation({
    url,
    name: member,
    stateDir: join(root, `node-${member}`),
    data: {
      data: DATA,
      partition: 'dirichlet:0.5:seed=7',
      shard: `${MEMBERS.indexOf(member) + 1}/2`,
      testFraction: 0.2,
    },
    ...(onEvent === undefined ? {} : { onEvent }),
  })

/** A coordinator and both nodes go on from their directories until the run is over. */
export async function finishRun(root: string, runId: RunId): Promise<RunRecord> {
  const coordinator = await coordinatorIn(root)
  const nodes: NodeHandle[] = []
  try {
    for (const member of MEMBERS) nodes.push(await nodeIn(root, member, coordinator))
    await coordinator.runs.ended(runId)
    return await coordinator.runs.record(runId)
  } finally {
    for (const node of nodes) await node.leave()
    await coordinator.stop()
  }
}
