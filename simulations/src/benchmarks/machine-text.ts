import type { Engine } from '#protocol/record.js'
import type { Table } from '#simulations/report/markdown.js'
import type { Machine } from './machine.js'

/** Where and with what numbers were taken, as rows of a table. */
export const settingRows = (machine: Machine, engine: Engine | undefined): Table['rows'] => [
  [
    'backend',
    `${engine?.backend ?? '–'}, ${engine?.version ?? '–'}, ${engine?.threads ?? 0} thread(s)`,
  ],
  ['tributary', `${machine.version}, commit ${machine.commit ?? 'unknown'}`],
  ['processor', `${machine.cpu}, ${machine.cores} cores`],
  ['load average at the start', machine.load.toFixed(2)],
  ['Node.js', machine.node],
]

/** A sentence where other work may have slowed the measured one down. */
export const whenBusy = ({ load, cores }: Machine): readonly string[] =>
  load < cores / 2
    ? []
    : [
        `The machine was busy with other work (load ${load.toFixed(1)} on ${cores} cores): seconds by the clock are too high.`,
      ]
