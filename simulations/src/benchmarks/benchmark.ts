/** One experiment on several backends. The first is the reference of every ratio. */
export interface Benchmark {
  readonly name: string
  readonly describe: string
  /** A shipped experiment; its `compute.backend` gives way to each of these. */
  readonly experiment: string
  readonly backends: readonly [string, ...string[]]
  /**
   * How far final accuracies may lie apart, as a share of 1. The seed fixes every choice, so only the last bits of sums
   * differ; what training makes of them stays well below the binomial spread of one measurement.
   */
  readonly accuracyTolerance: number
}

export const BENCHMARKS: readonly [Benchmark, ...Benchmark[]] = [
  {
    name: 'cnn-backends',
    describe: "100 simulated clients, 10 a round, train the paper's cnn on wasm, then on native",
    experiment: 'mnist-cnn-100-clients',
    backends: ['wasm', 'native'],
    accuracyTolerance: 0.01,
  },
]
