import type { PretrainHooks } from '#simulations/pretraining/pretrained.js'
import type { Session } from './command.js'
import { describeNodeEvent } from './node-events.js'

/** Says that a backbone is being made, and how far it is: it can take longer than the run. */
export const pretrainHooks = ({ out, signal }: Session): PretrainHooks => ({
  signal,
  onBackend: (choice) => {
    const { chosen } = choice
    const measurements = choice.measurements.map((one) => ({ ...one }))
    out.say(describeNodeEvent({ type: 'backend:chosen', chosen, measurements }))
  },
  onStart: ({ data, model, epochs }) => {
    out.event('pretrain:started', { data: data.name, model: model.name, epochs })
    out.say(`Pre-training ${model.name} on ${data.name}, ${epochs} epochs; kept for the next time`)
  },
  onEpoch: (progress) => {
    out.event('pretrain:epoch', { ...progress })
    const { epoch, epochs, loss } = progress
    out.say(`  epoch ${epoch} of ${epochs}: loss ${loss.toFixed(4)}`)
  },
})
