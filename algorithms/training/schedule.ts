import type { OptimizerConfig } from '#protocol/run-config.js'

/** A place in the run: `round` counts from 1 to `rounds`, the configured number of training rounds. */
export interface RunProgress {
  readonly round: number
  readonly rounds: number
}

/**
 * Factor on the learning rate in a round; 1 in round 1.
 * exponential: decay^(round − 1). cosine: along half a cosine to `floor` in the last round, and `floor` in any after it
 * (Loshchilov and Hutter, SGDR, ICLR 2017, https://arxiv.org/abs/1608.03983, without restarts).
 */
function scheduleFactor(
  schedule: OptimizerConfig['schedule'],
  { round, rounds }: RunProgress,
): number {
  switch (schedule.name) {
    case 'constant':
      return 1
    case 'exponential':
      return schedule.decay ** (round - 1)
    case 'cosine': {
      const passed = rounds > 1 ? Math.min((round - 1) / (rounds - 1), 1) : 0
      return schedule.floor + ((1 - schedule.floor) * (1 + Math.cos(Math.PI * passed))) / 2
    }
  }
}

/** The client learning rate that holds for all steps of a round. */
export const learningRateAt = (optimizer: OptimizerConfig, progress: RunProgress): number =>
  optimizer.learningRate * scheduleFactor(optimizer.schedule, progress)
