/**
 * Program: makes testing/fixtures/data-v<schema version> with this version's coordinator and nodes, for the migration tests
 * of later versions. Run it once, before the release that changes the format; never again for a version that is out.
 *
 *     node --conditions=source --import tsx testing/make-data-fixture-main.ts
 *
 * Names, leases and times differ from one making to the next; configurations, updates and model hashes do not.
 */
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FederationError } from '#protocol/errors.js'
import { sha256, type Hash, type NodeId, type RunId } from '#protocol/ids.js'
import { parseRunConfig } from '#protocol/run-config.js'
import { unwrap } from '#protocol/result.js'
import { configCatalogue } from '#algorithms/catalogue.js'
import { openNodeState } from '#client/state/node-state.js'
import type { NodeHandle } from '#client/join.js'
import { SCHEMA_VERSION } from '#coordinator/store/migrations.js'
import { openStore } from '#coordinator/store/open-store.js'
import type { Head, Store, UserRow } from '#coordinator/store/store.js'
import {
  coordinatorIn,
  finishRun,
  FIXTURES,
  MEMBERS,
  nodeIn,
  THROW_AWAY_KEY,
  THROW_AWAY_SECRET,
  type ExpectedFixture,
} from './data-fixture.js'

const NODES = ['a', 'b', 'c'].map((name) => `node-fixture0000${name}` as NodeId)
const CODE = 'TEST-TEST-TEST'
const [ENROLLED, REVOKED, FAR_AWAY] = ['2026-01-01', '2026-01-02', '2100-01-01'].map(
  (day) => `${day}T00:00:00.000Z`,
) as [string, string, string]
const PEOPLE: readonly UserRow[] = [
  { name: 'ada', role: 'researcher', passwordHash: null, tokenVersion: 2, revokedAt: null },
  { name: 'eve', role: 'viewer', passwordHash: null, tokenVersion: 1, revokedAt: REVOKED },
].map((user) => ({ ...user, createdAt: ENROLLED }) as UserRow)
const TOKEN = 'test-test-test-test'
/** The round of the second run that stays open: the first in which nodes bring memory along. */
const OPEN_ROUND = 2

const config = (name: string, rounds: number) =>
  unwrap(
    parseRunConfig(
      {
        name: `fixture-${name}`,
        task: { inputShape: [4], classes: ['0', '1', '2'] },
        model: { name: 'logistic' },
        method: { name },
        training: { localEpochs: 2, batchSize: 4, optimizer: { learningRate: 0.2 } },
        cohort: { all: true, minReporters: 2, graceSeconds: 120, deadlineSeconds: 600 },
        evaluation: { federated: true },
        compute: { backend: 'cpu', threads: 1 },
        rounds,
        seed: 11,
      },
      configCatalogue(),
    ),
  )

/** Everything secret is put there beforehand, so that nothing real is ever in the fixture. */
async function prepare(root: string): Promise<void> {
  const directory = join(root, 'coordinator')
  const store = await openStore(directory)
  for (const [i, nodeId] of NODES.entries()) {
    const { publicKey } = THROW_AWAY_KEY
    const name = 'abc'.charAt(i)
    await store.addNode({ nodeId, name, publicKey, enrolledAt: ENROLLED, revokedAt: null })
  }
  await store.revokeNode(NODES[2] as NodeId, REVOKED)
  const codeHash = sha256(`tributary/code/1|${CODE.replaceAll('-', '')}`)
  await store.addCode({
    codeHash,
    purpose: 'enrol-node',
    subject: null,
    expiresAt: FAR_AWAY,
    usedAt: null,
  })
  for (const user of PEOPLE) await store.addUser(user)
  await store.denyToken(TOKEN, FAR_AWAY)
  await store.close()
  await writeFile(join(directory, 'signing-secret'), THROW_AWAY_SECRET)
  await writeFile(join(root, 'master-key'), THROW_AWAY_SECRET, { mode: 0o600 })
  for (const [i, member] of MEMBERS.entries()) {
    const state = await openNodeState(join(root, `node-${member}`))
    const url = 'http://127.0.0.1:7400'
    const nodeId = NODES[i] as NodeId
    await state.saveCredentials({
      url,
      nodeId,
      name: member,
      privateKey: THROW_AWAY_KEY.privateKey,
    })
    await state.release()
  }
}

/** One run to its end, and one to the moment when its open round holds the update of `a` and `b` is about to send its own. */
async function federate(root: string): Promise<readonly [RunId, RunId]> {
  const coordinator = await coordinatorIn(root)
  let leaving = Promise.resolve()
  let interrupted: RunId | null = null
  const isTime = (runId: unknown, round: unknown): boolean =>
    runId === interrupted && round === OPEN_ROUND
  const isAccepted = new Promise<void>((resolve) => {
    coordinator.runs.subscribe((runId, { type, data }) => {
      if (type === 'update:accepted' && isTime(runId, data['round'])) resolve()
    })
  })
  const a = await nodeIn(root, 'a', coordinator)
  const b: NodeHandle = await nodeIn(root, 'b', {
    url: coordinator.url,
    onEvent: ({ type, runId, round }) => {
      if (type === 'update:sending' && isTime(runId, round)) leaving = b.leave()
    },
  })
  const finished = await coordinator.runs.create(config('fedavg', 2))
  await coordinator.runs.ended(finished)
  interrupted = await coordinator.runs.create(config('scaffold', 3))
  await Promise.all([isAccepted, b.closed])
  await leaving
  await a.leave()
  await coordinator.stop()
  return [finished, interrupted]
}

async function headOf(store: Store, runId: RunId): Promise<Head & { readonly recordHash: Hash }> {
  const head = await store.head(runId)
  if (head === null || head.recordHash === null)
    throw new FederationError('internal/bug', `The run ${runId} left no record`)
  return { ...head, recordHash: head.recordHash }
}

async function expected(
  root: string,
  [finished, interrupted]: readonly [RunId, RunId],
  finalModelHash: Hash,
): Promise<ExpectedFixture> {
  const store = await openStore(join(root, 'coordinator'))
  try {
    const audit = await store.lastAudit()
    if (audit === null)
      throw new FederationError('internal/bug', 'Nothing was written into the log')
    const [over, open] = [await headOf(store, finished), await headOf(store, interrupted)]
    const accepted = await store.accepted(interrupted, open.round, open.attempt)
    if (over.state !== 'DONE' || open.state !== 'COLLECTING' || accepted.length !== 1)
      throw new FederationError('internal/bug', 'The runs are not where the fixture wants them')
    return {
      schemaVersion: SCHEMA_VERSION,
      nodes: NODES,
      people: await store.users(),
      deniedTokens: [TOKEN],
      audit,
      code: CODE,
      finished: {
        ...{ runId: finished, modelHash: over.modelHash, recordHash: over.recordHash },
        events: (await store.events(finished, 0, 1000)).length,
      },
      interrupted: {
        ...{ runId: interrupted, round: open.round, modelHash: open.modelHash },
        ...{ recordHash: open.recordHash, accepted: accepted.map((update) => update.sha256) },
        finalModelHash,
      },
    }
  } finally {
    await store.close()
  }
}

const target = join(FIXTURES, `data-v${SCHEMA_VERSION}`)
const scratch = await mkdtemp(join(tmpdir(), 'tributary-fixture-'))
const root = join(scratch, 'made')
try {
  await prepare(root)
  const runs = await federate(root)
  await cp(root, join(scratch, 'copy'), { recursive: true })
  const { modelHash } = await finishRun(join(scratch, 'copy'), runs[1])
  if (modelHash === null) throw new FederationError('internal/bug', 'The run ended without a model')
  const file = JSON.stringify(await expected(root, runs, modelHash), null, 2)
  // Written at every start: a token, and the address of the coordinator that is gone.
  await rm(join(root, 'coordinator/operator.json'), { force: true })
  await writeFile(join(root, 'expected.json'), `${file}\n`)
  await mkdir(FIXTURES, { recursive: true })
  // What people wrote about it stays.
  for (const name of ['coordinator', ...MEMBERS.map((member) => `node-${member}`)])
    await rm(join(target, name), { recursive: true, force: true })
  await cp(root, target, { recursive: true })
} finally {
  await rm(scratch, { recursive: true })
}
