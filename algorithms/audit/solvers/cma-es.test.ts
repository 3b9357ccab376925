import { describe, expect, it } from 'vitest'
import { createStreams, type Stream } from '#protocol/random.js'
import { SeparableCmaEs } from './cma-es.js'

type Loss = (x: Float64Array) => number

function minimum(loss: Loss, size: number, generations: number): Float64Array {
  const stream = createStreams(4)('test/cma', 0, 0)
  const evolution = new SeparableCmaEs({ size, population: 16 })
  for (let i = 0; i < generations; i++) {
    evolution.tell(evolution.ask(stream).map((one) => loss(one)))
  }
  return evolution.mean
}

/** Gifd specification §12.1, line by line. */
class Reference {
  m: number[]
  s = 0.5
  readonly #d: number[]
  readonly #ps: number[]
  readonly #pc: number[]

  constructor(
    readonly n: number,
    readonly lambda: number,
    readonly stream: Stream,
  ) {
    const zeros = (): number[] => new Array<number>(n).fill(0)
    this.m = zeros()
    this.#ps = zeros()
    this.#pc = zeros()
    this.#d = new Array<number>(n).fill(1)
  }

  generation(loss: Loss): void {
    const { n } = this
    const mu = this.lambda / 2
    const raw = Array.from({ length: mu }, (_, i) => Math.log(mu + 1 / 2) - Math.log(i + 1))
    const w = raw.map((one) => one / raw.reduce((a, b) => a + b))
    const eff = 1 / w.reduce((a, b) => a + b * b, 0)
    const cs = (eff + 2) / (n + eff + 5)
    const ds = 1 + cs + 2 * Math.max(0, Math.sqrt((eff - 1) / (n + 1)) - 1)
    const cc = (4 + eff / n) / (n + 4 + (2 * eff) / n)
    const c1 = (((n + 2) / 3) * 2) / ((n + 1.3) ** 2 + eff)
    const cmu = Math.min(1 - c1, (((n + 2) / 3) * (2 * (eff - 2 + 1 / eff))) / ((n + 2) ** 2 + eff))
    const e = Math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n))
    const ys = Array.from({ length: this.lambda }, () =>
      this.#d.map((d) => d * this.stream.normal()),
    )
    const at = (y: readonly number[]): number =>
      loss(Float64Array.from(y, (value, j) => this.m[j]! + this.s * value))
    const best = ys.toSorted((a, b) => at(a) - at(b)).slice(0, mu)
    let length = 0
    for (let j = 0; j < n; j++) {
      const yw = best.reduce((sum, y, i) => sum + w[i]! * y[j]!, 0)
      const yy = best.reduce((sum, y, i) => sum + w[i]! * y[j]! ** 2, 0)
      this.m[j]! += this.s * yw
      this.#ps[j] = (1 - cs) * this.#ps[j]! + (Math.sqrt(cs * (2 - cs) * eff) * yw) / this.#d[j]!
      this.#pc[j] = (1 - cc) * this.#pc[j]! + Math.sqrt(cc * (2 - cc) * eff) * yw
      const kept = (1 - c1 - cmu) * this.#d[j]! ** 2
      this.#d[j] = Math.sqrt(kept + c1 * this.#pc[j]! ** 2 + cmu * yy)
      length += this.#ps[j]! ** 2
    }
    this.s *= Math.exp((cs / ds) * (Math.sqrt(length) / e - 1))
  }
}

describe('separable CMA-ES', () => {
  it('finds the minimum of a bowl', () => {
    const found = minimum((x) => x.reduce((sum, value) => sum + (value - 1.5) ** 2, 0), 6, 150)
    found.forEach((value) => expect(value).toBeCloseTo(1.5, 3))
  })

  it('learns the scales of a bowl that is a thousand times steeper along some axes', () => {
    const loss: Loss = (x) =>
      x.reduce((sum, value, j) => sum + 1000 ** (j / 5) * (value + 0.5) ** 2, 0)
    minimum(loss, 6, 300).forEach((value) => expect(value).toBeCloseTo(-0.5, 3))
  })

  it('follows its formulas, with as many standard normal numbers as it takes', () => {
    const [n, lambda] = [3, 8]
    const steep: Loss = (x) => x.reduce((sum, value, j) => sum + 10 ** j * (value - 1) ** 2, 0)
    const evolution = new SeparableCmaEs({ size: n, population: lambda })
    const mine = createStreams(4)('test/cma', 0, 0)
    const reference = new Reference(n, lambda, createStreams(4)('test/cma', 0, 0))
    for (let generation = 0; generation < 6; generation++) {
      evolution.tell(evolution.ask(mine).map((one) => steep(one)))
      reference.generation(steep)
      evolution.mean.forEach((value, j) => expect(value).toBeCloseTo(reference.m[j]!, 10))
      expect(evolution.step).toBeCloseTo(reference.s, 10)
    }
  })

  it('takes a loss that is no number for the worst', () => {
    const found = minimum((x) => (x[0]! < 0 ? Number.NaN : (x[0]! - 1) ** 2), 1, 100)
    expect(found[0]).toBeCloseTo(1, 3)
  })

  it('draws the same from the same stream', () => {
    const bowl: Loss = (x) => x.reduce((sum, value) => sum + value * value, 0)
    expect(minimum(bowl, 3, 10)).toEqual(minimum(bowl, 3, 10))
  })
})
