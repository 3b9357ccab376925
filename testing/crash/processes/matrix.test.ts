import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { endAll } from '../../e2e/harness.js'
import { mongoAbsence, startMongo, type MongoServer } from '../../mongo/server.js'
import { fewCells, goldenRun, judgeCell, summaryOf, type Judged } from '../matrix.js'
import type { CellResult } from '../cell.js'

/** `npm run test:crash` runs every cell; here is a spread of them that takes minutes. */
const MONGO = mongoAbsence === null
const cells = fewCells(MONGO ? ['sqlite', 'mongodb'] : ['sqlite'])

describe('a coordinator that is killed', () => {
  let golden: CellResult
  let mongo: MongoServer | null = null
  const judged: Judged[] = []
  beforeAll(async () => {
    mongo = MONGO ? await startMongo() : null
    golden = await goldenRun()
  }, 120_000)
  afterAll(async () => {
    process.stderr.write(`${summaryOf(judged).join('\n')}\n`)
    await endAll()
    await mongo?.stop()
  })

  it.concurrent.each(cells.map((cell) => [cell.name, cell] as const))('%s', async (_name, cell) => {
    const one = await judgeCell(cell, {
      newDatabase: () => mongo!.url(),
      golden: golden.fingerprint,
    })
    judged.push(one)
    expect(one.failure).toBeNull()
    expect(one.result).toMatchObject({
      ...{ problems: [], missed: [], lost: 0, doubled: 0, sameResult: true },
    })
    // An answer may be lost with the coordinator, and its round be over before it is asked for again.
    expect(one.result?.acked).toBeGreaterThan(10)
  })

  it('is compared with a run of four rounds in which all five members counted', () => {
    expect(golden.problems).toEqual([])
    expect(golden.records.map(({ accepted }) => accepted.length)).toEqual([0, 5, 5, 5, 5])
  })
})

describe.skipIf(!MONGO)(`MongoDB is killed as well: ${mongoAbsence ?? 'it is there'}`, () => {
  it('has cells of its own', () => {
    expect(cells.filter(({ store }) => store === 'mongodb').length).toBeGreaterThan(3)
  })
})
