import { describe, expect, it } from 'vitest'
import { createStreams } from '#protocol/random.js'
import { crossEntropy } from '#algorithms/tensor/ops.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { describeOnBackends } from '#testing/on-backends.js'
import { divergenceOf, distribution } from './collector.js'
import { crossEntropies, divergences, softened, weightedMean, type Softness } from './divergence.js'

const stream = createStreams(5)('divergence', 0, 0)
const [ROWS, CLASSES] = [4, 3]
const drawn = (scale: number, count = ROWS * CLASSES): number[] =>
  Array.from({ length: count }, () => scale * stream.normal())
const matrix = (values: readonly number[]): Tensor => tf.tensor2d([...values], [ROWS, CLASSES])
const numbers = (tensor: Tensor): number[] => [...tensor.dataSync()]

/** A naive softmax in float64, row by row. */
function softmaxes(logits: readonly number[], temperature: number): number[] {
  const rows = Array.from({ length: logits.length / CLASSES }, (_, i) =>
    logits.slice(i * CLASSES, (i + 1) * CLASSES).map((value) => Math.exp(value / temperature)),
  )
  return rows.flatMap((row) => row.map((value) => value / row.reduce((a, b) => a + b, 0)))
}

/** Of the loss of §6, in float64 and by its definition: no log-softmax, no tensors. */
interface Terms extends Softness {
  readonly labels: readonly number[]
  readonly q: readonly number[]
  readonly mask: readonly number[]
  readonly lambda: number
}
function naiveLoss(logits: readonly number[], terms: Terms): number {
  const { labels, q, mask, lambda, temperature, scaleByT2 } = terms
  const [plain, soft] = [softmaxes(logits, 1), softmaxes(logits, temperature)]
  const scale = scaleByT2 ? temperature ** 2 : 1
  const each = labels.map((label, i) => {
    const kl = Array.from({ length: CLASSES }, (_, k) => i * CLASSES + k).reduce(
      (sum, at) => sum + (q[at] === 0 ? 0 : q[at]! * Math.log(q[at]! / soft[at]!)),
      0,
    )
    return -Math.log(plain[i * CLASSES + label]!) + mask[i]! * lambda * scale * kl
  })
  return each.reduce((a, b) => a + b, 0) / labels.length
}
const oneHot = (labels: readonly number[]): number[] =>
  labels.flatMap((label) => Array.from({ length: CLASSES }, (_, k) => (k === label ? 1 : 0)))

function valueAndGradient(logits: readonly number[], terms: Terms) {
  return tf.tidy(() => {
    const { labels, q, mask, lambda, ...softness } = terms
    const loss = (v: Tensor): tf.Scalar =>
      tf.add(
        crossEntropy(v, matrix(oneHot(labels))),
        tf.mul(lambda, weightedMean(divergences(v, matrix(q), softness), tf.tensor1d([...mask]))),
      )
    const { value, grads } = tf.valueAndGrads((...v: Tensor[]) => loss(v[0]!))([matrix(logits)])
    return { value: value.dataSync()[0]!, gradient: numbers(grads[0]!) }
  })
}

const TERMS: Terms = {
  ...{ labels: [0, 2, 1, 2], mask: [1, 0, 1, 1], lambda: 0.7, temperature: 2, scaleByT2: true },
  q: softmaxes(drawn(2), 2),
}

describeOnBackends('losses of distillation', () => {
  it('I4: are 0 where teacher and student agree, else positive, whatever is added to the logits', () => {
    tf.tidy(() => {
      const [student, teacher] = [drawn(3), drawn(3)]
      for (const temperature of [0.5, 1, 2, 10]) {
        const softness = { temperature, scaleByT2: true }
        const q = softened(matrix(teacher), temperature)
        const same = numbers(divergences(matrix(teacher), q, softness))
        for (const value of same) expect(Math.abs(value)).toBeLessThan(1e-5)
        const other = numbers(divergences(matrix(student), q, softness))
        for (const value of other) expect(value).toBeGreaterThan(0)
        const raised = matrix(student.map((value) => value + 5))
        numbers(divergences(raised, q, softness)).forEach((value, i) =>
          expect(value).toBeCloseTo(other[i]!, 3),
        )
      }
    })
  })

  it.each([
    ['of the client', TERMS],
    ['of the server, with a weight of its own', { ...TERMS, mask: [1, 1, 1, 1], lambda: 0.3 }],
    ['without T²', { ...TERMS, scaleByT2: false, temperature: 4 }],
  ])('I5: the gradient %s is that of finite differences, and that of §6', (_of, terms) => {
    const logits = drawn(1.5)
    const { value, gradient } = valueAndGradient(logits, terms)
    expect(value).toBeCloseTo(naiveLoss(logits, terms), 5)
    const { labels, q, mask, lambda, temperature, scaleByT2 } = terms
    const [plain, soft] = [softmaxes(logits, 1), softmaxes(logits, temperature)]
    const scale = scaleByT2 ? temperature : 1 / temperature
    const largest = Math.max(...gradient.map(Math.abs))
    gradient.forEach((slope, at) => {
      const h = 1e-5
      const moved = (by: number) => logits.map((one, i) => (i === at ? one + by : one))
      const difference = (naiveLoss(moved(h), terms) - naiveLoss(moved(-h), terms)) / (2 * h)
      expect(Math.abs(slope - difference)).toBeLessThan(1e-3 * largest)
      const row = Math.floor(at / CLASSES)
      const closed =
        (plain[at]! - oneHot(labels)[at]! + mask[row]! * lambda * scale * (soft[at]! - q[at]!)) /
        ROWS
      expect(Math.abs(slope - closed)).toBeLessThan(1e-5)
    })
  })

  it('I7: for a large T the gradient compares centred logits', () => {
    const [v, t] = [drawn(1).map((x) => Math.max(-3, Math.min(3, x))), drawn(1)]
    const gradient = tf.tidy(() => {
      const q = softened(matrix(t), 100)
      const loss = (x: Tensor): tf.Scalar =>
        tf.sum<tf.Scalar>(divergences(x, q, { temperature: 100, scaleByT2: true }))
      return numbers(tf.valueAndGrads((...x: Tensor[]) => loss(x[0]!))([matrix(v)]).grads[0]!)
    })
    const centred = (values: readonly number[], at: number): number => {
      const row = values.slice(at - (at % CLASSES), at - (at % CLASSES) + CLASSES)
      return values[at]! - row.reduce((a, b) => a + b, 0) / CLASSES
    }
    const limit = v.map((_, at) => (centred(v, at) - centred(t, at)) / CLASSES)
    const largest = Math.max(...limit.map(Math.abs))
    gradient.forEach((value, at) =>
      expect(Math.abs(value - limit[at]!)).toBeLessThan(0.02 * largest),
    )
  })

  it('I8: with one-hot soft labels and T = 1 the term is the cross-entropy', () => {
    tf.tidy(() => {
      const [logits, y] = [matrix(drawn(4)), matrix(oneHot(TERMS.labels))]
      const kl = numbers(divergences(logits, y, { temperature: 1, scaleByT2: true }))
      numbers(crossEntropies(logits, y)).forEach((value, i) => expect(kl[i]).toBeCloseTo(value, 5))
      const mean = weightedMean(tf.tensor1d(kl), tf.ones([ROWS])).dataSync()[0]
      expect(mean).toBeCloseTo(crossEntropy(logits, y).dataSync()[0]!, 5)
    })
  })

  it('stays finite for a teacher with zeros and a student that is far off', () => {
    const far = { ...TERMS, q: oneHot([1, 1, 1, 1]), temperature: 1 }
    const { value, gradient } = valueAndGradient(
      [...Array(4).keys()].flatMap(() => [200, -200, 0]),
      far,
    )
    expect(value).toBeGreaterThan(100)
    expect(gradient.every(Number.isFinite)).toBe(true)
  })
})

describe('the same terms, example by example', () => {
  it('are in float64 what they are on tensors', () => {
    const [logits, teacher] = [drawn(2), drawn(2)]
    const softness = { temperature: 3, scaleByT2: true }
    tf.tidy(() => {
      const q = softened(matrix(teacher), 3)
      const values = numbers(divergences(matrix(logits), q, softness))
      values.forEach((value, i) => {
        const row = (of: readonly number[]) =>
          Float32Array.from(of.slice(i * CLASSES, (i + 1) * CLASSES))
        expect(divergenceOf(row(logits), distribution(row(teacher), 3), softness)).toBeCloseTo(
          value,
          4,
        )
      })
    })
  })
})
