import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { openStore } from '#coordinator/store/open-store.js'
import type { Head } from '#coordinator/store/store.js'
import { endAll, start } from '../../e2e/harness.js'
import { mongoAbsence, startMongo, type MongoServer } from '../../mongo/server.js'
import { judge, type Exclusion } from '../history.js'
import { prepareFederation, type Federation } from '../prepare.js'

const KINDS = mongoAbsence === null ? ['sqlite', 'mongodb'] : ['sqlite']

describe('two coordinators on one store', () => {
  let mongo: MongoServer | null = null
  let federation: Federation
  beforeAll(async () => {
    mongo = KINDS.includes('mongodb') ? await startMongo() : null
  })
  afterAll(async () => {
    await endAll()
    await mongo?.stop()
  })
  const coordinator = () =>
    start(
      [
        ...['coordinator', 'start', '--data-dir', federation.dataDir, '--port', '0'],
        ...(federation.storeUrl === undefined ? [] : ['--store', federation.storeUrl]),
      ],
      { env: { TRIBUTARY_HOME: join(federation.directory, 'home') } },
    )

  it.each(KINDS)('J8: the second exits, and what an older epoch writes fails: %s', async (kind) => {
    federation = await prepareFederation('durable', kind === 'mongodb' ? mongo!.url() : undefined)
    try {
      const first = coordinator()
      await first.event('coordinator:listening')
      const { status, errorText } = await coordinator().ended
      await first.kill('SIGKILL')
      const second = { status, code: /store\/[a-z-]+/.exec(errorText)?.[0] ?? errorText }
      const exclusion = { second, staleWrites: await staleWrites() }
      const verdict = judge([], {
        ...{ records: [], durability: 'durable', golden: null, orphans: null, exclusion },
      })
      expect(verdict.problems).toEqual([])
    } finally {
      await rm(federation.directory, { recursive: true, force: true })
    }
  })

  /** As a coordinator would that does not know that another one has taken its run over. */
  async function staleWrites(): Promise<Exclusion['staleWrites']> {
    const { dataDir, storeUrl, runId } = federation
    const store = await openStore(dataDir, { url: storeUrl })
    try {
      const known = (await store.head(runId))!
      const open: Head = { ...known, state: 'COLLECTING', epoch: known.epoch + 1 }
      expect(await store.advance(runId, known, open)).toBe(true)
      const update = {
        ...{ slot: 0, updateId: known.stateHash, sha256: known.stateHash, weight: 1, metrics: {} },
        blob: known.stateHash,
      }
      const outcomes = {
        'an update': (await store.accept(runId, known, update)).status === 'accepted',
        'the next head': await store.advance(runId, known, { ...known, state: 'FROZEN' }),
      }
      return Object.entries(outcomes).flatMap(([write, wentThrough]) => (wentThrough ? write : []))
    } finally {
      await store.close()
    }
  }
})
