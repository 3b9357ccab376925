import { describe, expect, it } from 'vitest'
import type { JsonObject } from '#protocol/json.js'
import { CLIENTS, fedd2sSetup, someSoftLabels } from '#testing/fedd2s-lab.js'
import { chosenRows } from './rows.js'
import { agesIn, emptyStore, hasLabel, withoutOld, withSoftLabels } from './soft-labels.js'
import { softLabelsIn } from './wire.js'

const examples = CLIENTS[1]!.train
const PLACES = [0, 1, 2, 3, 4, 5]

function merged(hyper: JsonObject, rounds: readonly (readonly [round: number, rows: number])[]) {
  const setup = fedd2sSetup({ hyper })
  return rounds.reduce(
    (store, [round, rows]) =>
      withSoftLabels(setup, store, {
        ...{ examples, slot: 1, softLabels: softLabelsIn(someSoftLabels(rows, round), 3) },
      }),
    emptyStore(6, 3),
  )
}
const labelAt = (values: Float32Array, place: number): number[] => [
  ...values.subarray(3 * place, 3 * place + 3),
]

describe('the soft labels of a client', () => {
  it('are those of its examples, in their order', () => {
    const { values, rounds } = merged({}, [[4, 6]])
    expect(values).toEqual(softLabelsIn(someSoftLabels(6, 4), 3).values)
    expect([...rounds]).toEqual([4, 4, 4, 4, 4, 4])
  })

  it('I14: go to the examples that were drawn in the round that they name, and to no other', () => {
    const hyper = { maxSamplesPerRound: 2 }
    const drawn = [...chosenRows(fedd2sSetup({ hyper }), { examples, round: 4, slot: 1 }).places]
    const { values, rounds } = merged(hyper, [[4, 2]])
    expect(PLACES.filter((place) => rounds[place] === 4)).toEqual(drawn)
    const sent = softLabelsIn(someSoftLabels(2, 4), 3).values
    drawn.forEach((place, row) => expect(labelAt(values, place)).toEqual(labelAt(sent, row)))
    for (const place of PLACES.filter((one) => !drawn.includes(one))) {
      expect(labelAt(values, place)).toEqual([0, 0, 0])
      expect(rounds[place]).toBe(-1)
    }
  })

  it('stay beside those of later rounds, which overwrite theirs', () => {
    const hyper = { maxSamplesPerRound: 3 }
    const setup = fedd2sSetup({ hyper })
    const drawnIn = (round: number) => [...chosenRows(setup, { examples, round, slot: 1 }).places]
    const [first, second] = [drawnIn(0), drawnIn(1)]
    const inOrder = merged(hyper, [
      [0, 3],
      [1, 3],
    ])
    for (const place of PLACES) {
      const expected = second.includes(place) ? 1 : first.includes(place) ? 0 : -1
      expect(inOrder.rounds[place]).toBe(expected)
      expect(hasLabel(inOrder, place)).toBe(expected >= 0)
    }
    // What comes late does not replace what is newer.
    const late = merged(hyper, [
      [1, 3],
      [0, 3],
    ])
    expect(late).toEqual(inOrder)
  })

  it('of class means go to every example of the class', () => {
    const labels = [...examples.indices].map((row) => examples.source.labels[row]!)
    const classes = [...new Set(labels)].sort()
    const { values, rounds } = merged({ rows: 'class-means' }, [[0, classes.length]])
    const sent = softLabelsIn(someSoftLabels(classes.length, 0), 3).values
    labels.forEach((label, place) =>
      expect(labelAt(values, place)).toEqual(labelAt(sent, classes.indexOf(label))),
    )
    expect([...rounds]).toEqual(PLACES.map(() => 0))
  })

  it('for another number of rows are for other data, and are left out', () => {
    expect(merged({}, [[0, 5]])).toEqual(emptyStore(6, 3))
  })

  it('are forgotten when they are too old', () => {
    const hyper = { maxSamplesPerRound: 3 }
    const store = merged(hyper, [
      [0, 3],
      [1, 3],
    ])
    expect(withoutOld(store, 9, null)).toEqual(store)
    expect(withoutOld(store, 2, 2)).toEqual(store)
    const kept = withoutOld(store, 2, 1)
    expect([...kept.rounds]).toEqual([...store.rounds].map((round) => (round === 0 ? -1 : round)))
    expect([...kept.rounds]).not.toEqual([...store.rounds])
    PLACES.forEach((place) =>
      expect(labelAt(kept.values, place)).toEqual(
        store.rounds[place] === 1 ? labelAt(store.values, place) : [0, 0, 0],
      ),
    )
  })

  it('tell how many there are and how old they are', () => {
    const rounds = Int32Array.of(0, 3, -1, 3, -1, -1)
    expect(agesIn({ values: new Float32Array(18), rounds }, 4)).toEqual({ share: 0.5, age: 2 })
    expect(agesIn(emptyStore(6, 3), 4)).toEqual({ share: 0, age: 0 })
  })

  it('of another number of classes are malformed', () => {
    expect(() => softLabelsIn(someSoftLabels(6, 0, 4), 3)).toThrow(
      expect.objectContaining({ code: 'message/malformed' }),
    )
  })
})
