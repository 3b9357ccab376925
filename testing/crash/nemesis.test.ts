import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { endAll } from '../e2e/harness.js'
import { mongoAbsence, startMongo } from '../mongo/server.js'
import { runNemesis, type NemesisResult } from './nemesis.js'
import { planOf } from './nemesis-plan.js'

const SEED = Number(process.env['TRIBUTARY_NEMESIS_SEED'] ?? 7)

describe('a coordinator on which everything goes wrong at random instants', () => {
  let result: NemesisResult
  beforeAll(async () => {
    const mongo = mongoAbsence === null ? await startMongo() : null
    result = await runNemesis({
      ...{ seed: SEED, kills: 20, rounds: 40, longestStopMs: 500 },
      newDatabase: mongo === null ? undefined : () => mongo.url(),
      say: (line) => process.stderr.write(`${line}\n`),
    })
    await mongo?.stop()
  }, 600_000)
  afterEach(endAll)

  it('is killed at least 20 times, and every history is possible (J1–J9)', () => {
    expect(result.kills).toBeGreaterThanOrEqual(20)
    expect(result.campaigns.flatMap(({ problems }) => problems)).toEqual([])
  })

  it('loses no acknowledged update, counts none twice, and ends as if nothing had happened', () => {
    expect(result.acked).toBeGreaterThan(result.campaigns.length * 100)
    expect([result.lost, result.doubled]).toEqual([0, 0])
    expect(result.campaigns.map(({ sameResult }) => sameResult)).toEqual(
      result.campaigns.map(() => true),
    )
  })

  it('does the same from the same seed', () => {
    const plan = { seed: SEED, campaign: 1, life: 2, longestStopMs: 500 }
    expect(planOf(plan)).toEqual(planOf({ ...plan }))
    expect(planOf({ ...plan, life: 3 })).not.toEqual(planOf(plan))
    for (let life = 0; life < 200; life += 1) {
      const { killAfterMs, mischief } = planOf({ ...plan, life })
      expect(killAfterMs).toBeGreaterThanOrEqual(200)
      expect(killAfterMs).toBeLessThanOrEqual(3000)
      expect(mischief.length).toBeGreaterThan(0)
    }
  })
})
