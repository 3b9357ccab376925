import { beforeAll, describe, expect, it } from 'vitest'
import { useBackend } from '#algorithms/tensor/backends.js'
import { tf } from '#algorithms/tensor/tf.js'
import { logistic } from '#algorithms/models/logistic.js'
import { examplesFrom } from '#testing/examples.js'
import { evaluate, metricsOf, modelPredictor, MOST_CONFUSED } from './evaluate.js'

const classes = ['cat', 'dog', 'emu']
// The features are the logits, so the numbers below can be worked out by hand.
const identity = (x: tf.Tensor): tf.Tensor => tf.clone(x)
const rows = [
  [Math.log(2), 0, 0], // probabilities 1/2, 1/4, 1/4: cat
  [0, Math.log(6), 0], // 1/8, 3/4, 1/8: dog
  [0, 0, 0], // a tie: the first class counts
]
const examples = examplesFrom({ rows, labels: [0, 0, 1], inputShape: [3], classes })

describe.each(['cpu', 'wasm'] as const)('evaluation on %s', (backend) => {
  beforeAll(() => useBackend(backend))

  it('counts hits, examples and the loss', async () => {
    const counts = await evaluate(identity, examples, classes)
    // Labels cat, cat, dog; predictions cat, dog, cat. Loss ln 2 + ln 8 + ln 3 = ln 48.
    expect(counts).toMatchObject({ count: 3, correct: 1 })
    expect(counts.lossSum).toBeCloseTo(Math.log(48), 6)
    expect([...counts.perClassCount]).toEqual([2, 1, 0])
    expect([...counts.perClassCorrect]).toEqual([1, 0, 0])
  })

  it('tells what was taken for what, where all pairs can still be read', async () => {
    const cats = { ...examples, indices: Int32Array.of(0, 1) }
    const { confusion } = await evaluate(identity, cats, classes)
    // Labels by row: of two cats one is called a dog.
    expect(confusion?.map((row) => [...row])).toEqual([
      [1, 1, 0],
      [0, 0, 0],
      [0, 0, 0],
    ])
    const many = Array.from({ length: MOST_CONFUSED + 1 }, (_, i) => `class ${i}`)
    expect((await evaluate(identity, examples, many)).confusion).toBeNull()
  })

  it('makes accuracy, mean loss and recall, without classes that do not occur', async () => {
    const metrics = metricsOf(await evaluate(identity, examples, classes), { classes })
    expect(metrics).toEqual({
      accuracy: 1 / 3,
      loss: expect.closeTo(Math.log(48) / 3, 6) as number,
      'recall/cat': 0.5,
      'recall/dog': 0,
    })
  })

  it('adds up over parts, whatever the batches', async () => {
    const indices = Int32Array.from({ length: 600 }, (_, i) => i % 3)
    const whole = await evaluate(identity, { ...examples, indices }, classes)
    expect(whole).toMatchObject({ count: 600, correct: 200 })
    expect(whole.lossSum).toBeCloseTo(200 * Math.log(48), 3)
    expect([...whole.perClassCount]).toEqual([400, 200, 0])
  })

  it('predicts with the given params and holds no tensor afterwards', async () => {
    const model = logistic.build({ inputShape: [3], classes }, { activation: 'relu' })
    const before = tf.memory().numTensors
    // Kernel: twice the identity with columns 0 and 1 swapped; bias (0, 0, −1).
    const params = Float32Array.from([0, 2, 0, 2, 0, 0, 0, 0, 2, 0, 0, -1])
    const predictor = modelPredictor(model, params)
    const counts = await evaluate(predictor.predict, examples, classes)
    predictor.dispose()
    // Logits (0, 2 ln 2, −1): dog, wrong; (2 ln 6, 0, −1): cat, right; (0, 0, −1): cat, wrong.
    expect(counts.correct).toBe(1)
    expect([...counts.perClassCorrect]).toEqual([1, 0, 0])
    expect(tf.memory().numTensors).toBe(before)
  })

  it('refuses predictions that are not finite', async () => {
    const broken = (factor: number) => (x: tf.Tensor) => tf.div(tf.sub(x, 9), factor)
    // −9 / 0 = −∞ for every class, and NaN.
    for (const factor of [0, Number.NaN]) {
      await expect(evaluate(broken(factor), examples, classes)).rejects.toMatchObject({
        code: 'update/not-finite',
      })
    }
    const impossible = examplesFrom({
      rows: [[0, -Infinity, 0]],
      labels: [1],
      inputShape: [3],
      classes,
    })
    await expect(evaluate(identity, impossible, classes)).rejects.toMatchObject({
      code: 'update/not-finite',
    })
  })
})

describe('metrics', () => {
  it('of no examples are none', () => {
    const none = {
      count: 0,
      correct: 0,
      lossSum: 0,
      perClassCount: new Float64Array(3),
      perClassCorrect: new Float64Array(3),
    }
    expect(metricsOf(none, { classes })).toEqual({})
  })

  it('survive logits so large that their exponential overflows', async () => {
    await useBackend('cpu')
    const large = examplesFrom({ rows: [[1000, 990, 0]], labels: [1], inputShape: [3], classes })
    // ln(1 + e^−10) + 10.
    expect((await evaluate(identity, large, classes)).lossSum).toBeCloseTo(10.0000454, 6)
  })
})
