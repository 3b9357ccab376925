import { describe, expect, it } from 'vitest'
import { csvOf } from './chart-files.js'
import { rowsOf } from './curve-rows.js'

const lines = [
  { id: 'a', label: 'fedavg, "seed 1"', x: [1, 2, 4], y: [0.5, null, 0.75] },
  { id: 'b', label: '=HYPERLINK("http://evil")', x: [2, 3], y: [0.25, 0.125] },
]

describe('the numbers of a chart', () => {
  it('stand on every x that any line has, with gaps where one has none', () => {
    expect(rowsOf(lines)).toEqual({
      x: [1, 2, 3, 4],
      columns: [
        [0.5, null, null, 0.75],
        [null, 0.25, 0.125, null],
      ],
    })
  })
  it('are a file that a spreadsheet reads, and runs nothing of', () => {
    expect(csvOf('Round', lines)).toBe(
      'Round,"fedavg, ""seed 1""","\'=HYPERLINK(""http://evil"")"\r\n' +
        '1,0.5,\r\n2,,0.25\r\n3,,0.125\r\n4,0.75,\r\n',
    )
  })
})
