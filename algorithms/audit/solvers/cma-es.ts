/**
 * Separable CMA-ES: evolution with a diagonal covariance, for searches without gradients. Ros and Hansen, A simple
 * modification in CMA-ES achieving linear time and space complexity, PPSN 2008; constants of gifd specification §12.1.
 */
import type { Stream } from '#protocol/random.js'

interface CmaOptions {
  /** Numbers of a candidate. */
  readonly size: number
  /** Candidates of a generation, λ ≥ 2. */
  readonly population: number
}

interface Constants {
  readonly weights: Float64Array
  readonly muEff: number
  readonly cs: number
  readonly ds: number
  readonly cc: number
  readonly c1: number
  readonly cmu: number
  /** E‖N(0, I)‖ */
  readonly chi: number
}

function constantsOf(n: number, population: number): Constants {
  const mu = Math.floor(population / 2)
  const raw = Float64Array.from({ length: mu }, (_, i) => Math.log(mu + 0.5) - Math.log(i + 1))
  const total = raw.reduce((sum, w) => sum + w, 0)
  const weights = raw.map((w) => w / total)
  const muEff = 1 / weights.reduce((sum, w) => sum + w * w, 0)
  const cs = (muEff + 2) / (n + muEff + 5)
  const c1 = (((n + 2) / 3) * 2) / ((n + 1.3) ** 2 + muEff)
  const rankMu = (((n + 2) / 3) * 2 * (muEff - 2 + 1 / muEff)) / ((n + 2) ** 2 + muEff)
  return {
    ...{ weights, muEff, cs, c1 },
    ds: 1 + cs + 2 * Math.max(0, Math.sqrt((muEff - 1) / (n + 1)) - 1),
    cc: (4 + muEff / n) / (n + 4 + (2 * muEff) / n),
    cmu: Math.min(1 - c1, rankMu),
    chi: Math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n)),
  }
}

const FIRST_STEP = 0.5

export class SeparableCmaEs {
  readonly #constants: Constants
  readonly #population: number
  readonly #mean: Float64Array
  readonly #deviations: Float64Array
  readonly #stepPath: Float64Array
  readonly #covariancePath: Float64Array
  #step: number
  /** y_i of the candidates that wait to be told. */
  #asked: Float64Array[] = []

  constructor({ size, population }: CmaOptions) {
    this.#constants = constantsOf(size, population)
    this.#population = population
    this.#mean = new Float64Array(size)
    this.#deviations = new Float64Array(size).fill(1)
    this.#stepPath = new Float64Array(size)
    this.#covariancePath = new Float64Array(size)
    this.#step = FIRST_STEP
  }

  get mean(): Float64Array {
    return this.#mean.slice()
  }

  /** Step size, s. */
  get step(): number {
    return this.#step
  }

  /** The candidates of the next generation. */
  ask(stream: Stream): readonly Float64Array[] {
    this.#asked = Array.from({ length: this.#population }, () =>
      this.#deviations.map((deviation) => deviation * stream.normal()),
    )
    return this.#asked.map((y) => y.map((value, j) => this.#mean[j]! + this.#step * value))
  }

  /** Their losses, in the same order; NaN counts as the worst. */
  tell(losses: readonly number[]): void {
    const order = losses
      .map((loss, i) => ({ loss: Number.isNaN(loss) ? Infinity : loss, i }))
      .sort((a, b) => (a.loss === b.loss ? a.i - b.i : a.loss - b.loss))
    const best = order.slice(0, this.#constants.weights.length).map(({ i }) => this.#asked[i]!)
    const { muEff, cs, ds, cc, chi } = this.#constants
    const keepStep = Math.sqrt(cs * (2 - cs) * muEff)
    const keepCovariance = Math.sqrt(cc * (2 - cc) * muEff)
    const move = this.#weighted(best, (y) => y)
    const squares = this.#weighted(best, (y) => y * y)
    move.forEach((yw, j) => {
      this.#mean[j]! += this.#step * yw
      this.#stepPath[j] = (1 - cs) * this.#stepPath[j]! + (keepStep * yw) / this.#deviations[j]!
      this.#covariancePath[j] = (1 - cc) * this.#covariancePath[j]! + keepCovariance * yw
    })
    const length = Math.sqrt(this.#stepPath.reduce((sum, p) => sum + p * p, 0))
    this.#step *= Math.exp((cs / ds) * (length / chi - 1))
    this.#adapt(squares)
  }

  #adapt(squares: Float64Array): void {
    const { c1, cmu } = this.#constants
    squares.forEach((square, j) => {
      const rankOne = this.#covariancePath[j]! ** 2
      const variance = (1 - c1 - cmu) * this.#deviations[j]! ** 2 + c1 * rankOne + cmu * square
      this.#deviations[j] = Math.sqrt(variance)
    })
  }

  #weighted(best: readonly Float64Array[], of: (value: number) => number): Float64Array {
    return this.#mean.map((_, j) =>
      best.reduce((sum, y, i) => sum + this.#constants.weights[i]! * of(y[j]!), 0),
    )
  }
}
