/**
 * What every iterative attack has in common: Adam on the variables of a matching loss, a look at it every 25 iterations, the
 * noise floor, and counts of the work. Gifd specification §8, §9.3, §9.4, §18.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { CurvePoint, AttackInput, Reconstruction } from '#algorithms/audit/attack.js'
import { assertMatching } from '#algorithms/audit/matching/problem.js'
import { tf, type Tensor } from '#algorithms/tensor/tf.js'
import { buildClientOptimizer, plainAdam } from '#algorithms/training/client-optimizer.js'

/** Pictures [batch, height, width, channels] and their labels [batch, classes]. */
export interface Shown {
  readonly x: Tensor
  readonly y: Tensor
}

/** One restart on its way. */
export interface Trail {
  readonly restart: number
  /** What it does unlike others of the same restart, for the note of a result that it wins. */
  readonly label?: string
  /** In iterations of this restart, all its stages. */
  iterations: number
  readonly curve: CurvePoint[]
  /** Where its stages ended. */
  readonly ends: Reconstruction[]
  /** Where it was when its loss first came down to the noise floor. */
  atFloor: Reconstruction | null
}
export const newTrail = (restart: number): Trail => ({
  ...{ restart, iterations: 0, curve: [], ends: [], atFloor: null },
})

export interface Descent {
  readonly stage: number
  /** Moved by steps, in copies: the caller disposes these. */
  readonly start: readonly Tensor[]
  readonly iterations: number
  /** Of step k, absolute. */
  rate(k: number): number
  /** True: Adam sees the signs of the gradient only. */
  readonly isSigned?: boolean
  /** Called inside tf.tidy and differentiated in every variable. */
  readonly objective: (variables: readonly Tensor[], k: number) => tf.Scalar
  /** What the variables stand for, for the trail with that place in the list. Called inside tf.tidy. */
  show(variables: readonly Tensor[], trail: number): Shown
  /** After each step: what takes their place, in new tensors. */
  constrain?(variables: readonly Tensor[]): Promise<Tensor[]>
  /** Matching losses in one call of `objective`; default 1. */
  readonly losses?: number
}

/** Iterations between two looks at the loss. */
export const PULSE = 25
/** The same where there is a floor to stop at. */
const FLOOR_PULSE = 5
const AT_FLOOR = 1.15
const REDRAWS = 5
const LEAST_GRADIENT = 1e-10

/** Every step brings its own rate. */
const ADAM = buildClientOptimizer(plainAdam(0.1))

/** What a step leaves behind. */
interface Live {
  readonly variables: readonly Tensor[]
  readonly state: readonly Tensor[]
}

export class Search {
  readonly input: AttackInput
  iterations = 0
  gradientEvaluations = 0
  readonly #began: number
  #reusedSeconds = 0

  /** Throws `audit/not-from-records` for a problem that was not made from records: nothing is tried on others. */
  constructor(input: AttackInput) {
    assertMatching(input.problem)
    this.input = input
    this.#began = input.now()
  }

  /** Including the work of earlier attacks that was reused. */
  get seconds(): number {
    return (this.input.now() - this.#began) / 1000 + this.#reusedSeconds
  }

  get batch(): number {
    return this.input.problem.target.settings.batch
  }

  /** [batch, height, width, channels] */
  get shape(): number[] {
    return [this.batch, ...this.input.problem.target.settings.model.inputShape]
  }

  /** Counts work that was done before, elsewhere, as work of this one. */
  reuse(work: Pick<Search, 'iterations' | 'gradientEvaluations' | 'seconds'>): void {
    this.iterations += work.iterations
    this.gradientEvaluations += work.gradientEvaluations
    this.#reusedSeconds += work.seconds
  }

  /** So many iterations more, and matching losses. Throws when whoever asked gives up. */
  count(iterations: number, losses = iterations): void {
    this.gradientEvaluations += losses * this.input.problem.gradientsPerLoss
    for (let i = 0; i < iterations; i++) {
      this.iterations += 1
      this.input.onIteration?.()
    }
  }

  /** The attacker's own judgement: cosine distance at the clamped pictures, without regularisers (§9.3). */
  async score(
    show: () => Shown,
  ): Promise<{ readonly loss: number; readonly images: Float32Array }> {
    const { problem } = this.input
    const [x, distance] = tf.tidy((): [Tensor, Tensor] => {
      const shown = show()
      const clamped = tf.clipByValue(shown.x, 0, 1)
      return [clamped, problem.loss(clamped, shown.y, 'cosine')]
    })
    this.gradientEvaluations += problem.gradientsPerLoss
    try {
      const [loss = Number.NaN] = await distance.data()
      return { loss, images: (await x.data()) as Float32Array }
    } finally {
      tf.dispose([x, distance])
    }
  }

  /**
   * The first start of up to five whose loss is a number and whose gradient is not zero (§18); null: there is none. The
   * caller disposes it.
   */
  async draw(make: () => Promise<Descent>): Promise<Descent | null> {
    for (let attempt = 0; attempt < REDRAWS; attempt++) {
      const descent = await make()
      if (await this.#canMove(descent)) return descent
      tf.dispose([...descent.start])
    }
    return null
  }

  async #canMove({ start, objective, losses = 1 }: Descent): Promise<boolean> {
    const size = tf.tidy(() => {
      const { value, grads } = tf.valueAndGrads((...own: Tensor[]) => objective(own, 0))([...start])
      const squares = tf.addN(grads.map((gradient) => tf.sum(tf.square(gradient))))
      // A loss that is not a number must show, whatever its gradient is.
      return tf.add(tf.sqrt(squares), tf.mul(value, 0))
    })
    this.gradientEvaluations += losses * this.input.problem.gradientsPerLoss
    const [norm = Number.NaN] = await size.data()
    size.dispose()
    return Number.isFinite(norm) && norm >= LEAST_GRADIENT
  }

  /**
   * Goes down for `iterations` steps and notes on every trail where its stage ended. The variables at the end, which the
   * caller disposes; null when no trail has a finite loss.
   */
  async descend(trails: readonly Trail[], descent: Descent): Promise<Tensor[] | null> {
    const variables = descent.start.map((tensor) => tf.clone(tensor))
    let live: Live = { variables, state: ADAM.init(variables) }
    try {
      for (let k = 0; k < descent.iterations; k++) {
        if (!(await this.#pulse(trails, { descent, live, k }))) break
        live = await this.#stepped(live, descent, k)
        for (const trail of trails) trail.iterations += 1
        this.count(descent.losses ?? 1)
      }
      const survivors = await this.#finish(trails, descent, live)
      return survivors === 0 ? null : live.variables.map((tensor) => tf.clone(tensor))
    } finally {
      tf.dispose([...live.variables, ...live.state])
    }
  }

  async #stepped({ variables, state }: Live, descent: Descent, k: number): Promise<Live> {
    const count = variables.length
    const after = tf.tidy((): Tensor[] => {
      const objective = (...own: Tensor[]): tf.Scalar => descent.objective(own, k)
      const gradients = tf.grads(objective)([...variables])
      const seen = descent.isSigned === true ? gradients.map((one) => tf.sign(one)) : gradients
      const learningRate = descent.rate(k)
      const moved = ADAM.step({
        ...{ params: variables, gradients: seen, state, learningRate, step: k + 1 },
      })
      return [...moved.params, ...moved.state]
    })
    tf.dispose([...variables, ...state])
    const live = { variables: after.slice(0, count), state: after.slice(count) }
    if (descent.constrain === undefined) return live
    const constrained = await descent.constrain(live.variables)
    tf.dispose(live.variables)
    return { variables: constrained, state: live.state }
  }

  /** Looks at every trail when it is time to; false: none of them has a finite loss any more. */
  async #pulse(
    trails: readonly Trail[],
    at: { readonly descent: Descent; readonly live: Live; readonly k: number },
  ): Promise<boolean> {
    const { descent, live, k } = at
    const isForFloor = this.#floor !== null && k % FLOOR_PULSE === 0
    if (k % PULSE !== 0 && !isForFloor) return true
    await nextTurn()
    let finite = 0
    for (const [i, trail] of trails.entries()) {
      const seen = await this.#look(trail, descent.stage, () => descent.show(live.variables, i))
      if (!Number.isFinite(seen.matchLoss)) continue
      finite += 1
      if (k % PULSE === 0) trail.curve.push({ iteration: trail.iterations, loss: seen.matchLoss })
    }
    return finite > 0
  }

  async #finish(trails: readonly Trail[], descent: Descent, live: Live): Promise<number> {
    let survivors = 0
    for (const [i, trail] of trails.entries()) {
      const end = await this.#look(trail, descent.stage, () => descent.show(live.variables, i))
      if (!Number.isFinite(end.matchLoss)) continue
      survivors += 1
      trail.ends.push(end)
      trail.curve.push({ iteration: trail.iterations, loss: end.matchLoss })
    }
    return survivors
  }

  get #floor(): number | null {
    return this.input.problem.target.floor
  }

  async #look(trail: Trail, stage: number, show: () => Shown): Promise<Reconstruction> {
    const { loss, images } = await this.score(show)
    return this.note(trail, { stage, matchLoss: loss, restart: trail.restart, images })
  }

  /** Keeps on the trail the first place that is at the noise floor: the search would be frozen there. */
  note(trail: Trail, seen: Reconstruction): Reconstruction {
    if (this.#floor !== null && seen.matchLoss <= AT_FLOOR * this.#floor) trail.atFloor ??= seen
    return seen
  }
}
