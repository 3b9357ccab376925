import { cpus } from 'node:os'
import type { Command } from 'commander'
import type { BackendChoice } from '#algorithms/tensor/choose-backend.js'
import { integer, type Session } from './command.js'
import { describeNodeEvent } from './node-events.js'
import { roundProgress, type RunEvent } from './progress.js'
import { sayEvent } from './watch.js'

export const withWorkers = (command: Command): Command =>
  command.option(
    '--workers <n>',
    'worker processes; the result is the same for any number',
    integer({ min: 0, max: 256 }),
    Math.min(cpus().length, 8),
  )

export const sayBackend =
  ({ out }: Session) =>
  (choice: BackendChoice): void => {
    const { chosen, remembered } = choice
    const measurements = choice.measurements.map((one) => ({ ...one }))
    out.event('backend:chosen', { chosen, remembered, measurements })
    out.say(describeNodeEvent({ type: 'backend:chosen', chosen, measurements }))
  }

/** Shows a simulated run as `runs watch` shows a real one. */
export function following(session: Session): { readonly onEvent: (event: RunEvent) => void } {
  const progress = roundProgress(session.out)
  return {
    onEvent: (event) => {
      progress.show(event)
      if (event.type === 'round:closed') session.out.event(event.type, event.data)
      sayEvent(session, event)
    },
  }
}
