import { describe, expect, it } from 'vitest'
import type { RunId } from '#protocol/ids.js'
import { coolDownLines, coolDownText } from './cool-down-text.js'

const reason = 'The loss is NaN'

describe('cool-downs in words', () => {
  it('name the node, the run, the time and the reason', () => {
    const runId = 'run-aaaaaaaaaaaa' as RunId
    const coolDown = { runId, failures: 4, seconds: 120, reason }
    const nodes = [
      { name: 'ward-7', coolDowns: [coolDown] },
      { name: 'ward-8', coolDowns: [] },
    ]
    expect(coolDownLines(nodes)).toEqual([
      'ward-7 is not asked in run-aaaaaaaaaaaa for 120 s: 4 failures in a row, the last: The loss is NaN',
    ])
  })

  it('are told while a run is followed', () => {
    const data = { nodeId: 'node-x', name: 'ward-7', failures: 3, seconds: 60, reason }
    expect(coolDownText(data)).toBe(
      'ward-7 is not asked for 60 s: 3 failures in a row, the last: The loss is NaN',
    )
  })
})
