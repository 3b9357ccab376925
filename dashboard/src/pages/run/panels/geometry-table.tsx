import type { RoundRecord } from '#protocol/record.js'
import { number, percent } from '../../../look/format.js'
import { Panel } from '../../../parts/panel.js'
import css from './panels.module.css'
import { evenly } from './recall.js'
import { GEOMETRY_MEASURES } from './similarity.js'

const MOST_COLUMNS = 6

/** Where features of the classes lie, and how the head stands to them (neural collapse). */
export function GeometryTable({ records }: { readonly records: readonly RoundRecord[] }) {
  const told = records.flatMap(({ round, part, diagnostics }) =>
    diagnostics?.geometry === undefined
      ? []
      : [{ round, isCalibrated: part === 'calibration', geometry: diagnostics.geometry }],
  )
  if (told.length === 0) return null
  const shown = evenly(told, MOST_COLUMNS)
  const isOfProbe = shown.some(({ geometry }) => geometry.of === 'probe')
  const title = 'Geometry of features'
  return (
    <Panel
      title={title}
      note={
        isOfProbe
          ? 'on examples of the central test split'
          : 'from the class moments that clients sent'
      }
      isFlush
    >
      <div className={css['scroll']} tabIndex={0} role="region" aria-label={`${title}, as a table`}>
        <table className={css['measures']}>
          <thead>
            <tr>
              <th scope="col">Measure</th>
              {shown.map(({ round, isCalibrated }) => (
                <th key={round} scope="col">
                  Round {round}
                  {isCalibrated && ', calibrated'}
                </th>
              ))}
              <th scope="col">Better</th>
            </tr>
          </thead>
          <tbody>
            {GEOMETRY_MEASURES.map(({ key, title: name, isShare, good, meaning }) => (
              <tr key={key}>
                <th scope="row">
                  {name}
                  <span className={css['meaning']}>{meaning}</span>
                </th>
                {shown.map(({ round, geometry }) => {
                  const value = geometry[key]
                  return (
                    <td key={round}>
                      {value === null ? '–' : isShare ? percent(value) : number(value)}
                    </td>
                  )
                })}
                <td className="muted">{good ?? '–'}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  )
}
