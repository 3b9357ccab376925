import { systemClock, type Clock } from '#coordinator/clock.js'

/** Real durations for the record, but no deadline ever passes: a simulated client is slow, never late. */
export const simulationClock: Clock = { ...systemClock, after: () => ({ cancel: () => undefined }) }
