import { describe, expect, it } from 'vitest'
import { describeNodeEvent } from './node-events.js'

const PLACE = { runId: 'run-4k7m2p9qx0ab', round: 3, slot: 2 }

describe('an event of a node in words', () => {
  it.each([
    [{ type: 'node:connected', nodeId: 'node-1', name: 'ward-a' }, 'Connected as ward-a (node-1)'],
    [
      { type: 'node:disconnected', reason: 'transport close' },
      'Connection lost (transport close); trying again',
    ],
    [{ type: 'task:started', ...PLACE }, 'run-4k7m2p9qx0ab round 3: working'],
    [
      { type: 'update:sending', ...PLACE, bytes: 814_592, metrics: { loss: 0.25, steps: 40 } },
      'run-4k7m2p9qx0ab round 3: sending 814.6 kB, loss 0.2500',
    ],
    [
      { type: 'update:sending', ...PLACE, bytes: 90, metrics: { accuracy: 0.9 } },
      'run-4k7m2p9qx0ab round 3: sending 90 B, accuracy 0.9000',
    ],
    [
      { type: 'task:failed', ...PLACE, code: 'update/not-finite', message: 'The loss is NaN' },
      'run-4k7m2p9qx0ab round 3: failed: The loss is NaN [update/not-finite]',
    ],
    [
      { type: 'task:refused', ...PLACE, code: 'policy/refused', message: 'Not allowed' },
      'run-4k7m2p9qx0ab round 3: not taken: Not allowed [policy/refused]',
    ],
    [
      { type: 'task:settled', ...PLACE, fate: 'refused' },
      "run-4k7m2p9qx0ab round 3: closed without this node's update",
    ],
    [
      {
        type: 'backend:chosen',
        chosen: 'wasm',
        measurements: [
          { backend: 'wasm', stepMs: 12.34, reason: null },
          { backend: 'native', stepMs: null, reason: 'not installed' },
        ],
      },
      'Training on wasm: wasm 12.3 ms a step',
    ],
    [{ type: 'something:new', value: 1 }, 'something:new {"value":1}'],
    [{ type: 'constructor' }, 'constructor {}'],
  ])('%j', (event, line) => {
    expect(describeNodeEvent(event)).toBe(line)
  })
})
