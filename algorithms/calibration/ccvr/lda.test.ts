import { describe, expect, it } from 'vitest'
import { createStreams } from '#protocol/random.js'
import { headOf } from '#algorithms/models/extractor.js'
import { mlp } from '#algorithms/models/mlp.js'
import { paramsBundle, paramsOf } from '#algorithms/models/params.js'
import { globalClasses } from './covariance.js'
import { ccvrHyper } from './hyper.js'
import { ldaHead } from './lda.js'
import type { ClassMoments, ScatterShape } from './moments.js'

const moments = (n: number, mean: readonly number[], scatter: readonly number[]): ClassMoments => ({
  ...{ n, mean: Float64Array.from(mean), scatter: Float64Array.from(scatter) },
})
const model = mlp.build(
  { inputShape: [2], classes: ['ant', 'bee', 'cat'] },
  mlp.options.parse({ hidden: [2] }),
)
const released = paramsBundle(model, model.init(createStreams(1)('init', 0, 0)))

/** Kernel rows and bias, class by class; `cat` is missing. */
function ldaOf(classes: readonly ClassMoments[], hasPriors = false, shape: ScatterShape = 'full') {
  const byClass = new Map(classes.map((one, label) => [label, one]))
  const statistics = { d: 2, classes: 3, shape, byClass }
  const gathered = { statistics, clientsByClass: new Map(), betweenByClass: new Map() }
  const hyper = ccvrHyper.parse({ covMode: shape === 'diag' ? 'diag' : 'full' })
  const known = globalClasses(gathered, hyper)
  const params = ldaHead({ model, released, classes: known, statistics, hasPriors })
  const column = (label: number) => [params[label]!, params[3 + label]!, params[6 + label]!]
  return { params, ant: column(0), bee: column(1), cat: column(2) }
}
const close = (values: readonly number[]) =>
  values.map((value) => expect.closeTo(value, 5) as number)

describe('the head in closed form', () => {
  it('by hand: spherical classes stand at their means', () => {
    // Σ_W = (3 + 5) / (3 + 5) · I, and 0.99 I + 0.01 (tr / 2) I = I.
    const { ant, bee } = ldaOf([moments(4, [3, 1], [3, 0, 3]), moments(6, [-1, 2], [5, 0, 5])])
    expect(ant).toEqual(close([3, 1, -5]))
    expect(bee).toEqual(close([-1, 2, -2.5]))
  })

  it('by hand: correlated features', () => {
    // Σ_W = [[4, 2], [2, 2]] from one class: tr / 2 = 3, Σ' = [[3.99, 1.98], [1.98, 2.01]], det 4.0995.
    const { ant } = ldaOf([moments(5, [1, 2], [16, 8, 8])])
    const [w0, w1] = [(2.01 - 2 * 1.98) / 4.0995, (2 * 3.99 - 1.98) / 4.0995]
    expect(ant).toEqual(close([w0, w1, -(w0 + 2 * w1) / 2]))
  })

  it('adds what is known of how often a class occurs, where it is asked to', () => {
    const classes = [moments(4, [3, 1], [3, 0, 3]), moments(6, [-1, 2], [5, 0, 5])]
    const { ant, bee } = ldaOf(classes, true)
    expect(ant).toEqual(close([3, 1, -5 + Math.log(0.4)]))
    expect(bee).toEqual(close([-1, 2, -2.5 + Math.log(0.6)]))
  })

  it('takes variances alone for a diagonal', () => {
    // Σ_W = diag(4, 1): tr / 2 = 2.5, Σ' = diag(3.985, 1.015).
    const { ant } = ldaOf([moments(3, [2, 3], [8, 2])], false, 'diag')
    const [w0, w1] = [2 / 3.985, 3 / 1.015]
    expect(ant).toEqual(close([w0, w1, -(2 * w0 + 3 * w1) / 2]))
  })

  it('I15: keeps the column of a class without examples bit for bit', () => {
    const { cat } = ldaOf([moments(4, [3, 1], [3, 0, 3])])
    const before = paramsOf(headOf(model).layout, released)
    expect(cat).toEqual([before[2], before[5], before[8]])
  })

  it('says so where features do not vary within a class', () => {
    expect(() => ldaOf([moments(4, [3, 1], [0, 0, 0])])).toThrow(/retrained/)
  })
})
