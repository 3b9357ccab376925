/**
 * iDLG: DLG with labels that are inferred first. Zhao et al., iDLG: Improved Deep Leakage from Gradients, 2020,
 * https://arxiv.org/abs/2001.02610. Gifd specification §12 number 3.
 */
import type { Attack } from '#algorithms/audit/attack.js'
import { leakageDescent } from './dlg.js'
import { allPixelIterations, pixelRestarts } from './pixels.js'
import { descendFrom } from './restarts.js'
import { Search, type Descent } from './search.js'

export const idlg: Attack = {
  name: 'idlg',
  needsGenerator: false,
  describes: 'As dlg, with the labels that were inferred from the update.',
  iterations: allPixelIterations,
  excluded: () => null,
  async run(input) {
    const search = new Search(input)
    const restarts = pixelRestarts(input.budget)
    const make = async (): Promise<Descent> => leakageDescent(search, input.problem.labels)
    return descendFrom(search, { name: 'idlg', restarts, make })
  },
}
