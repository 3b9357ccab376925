import { useMemo } from 'react'
import { classNames } from '../../look/class-names.js'
import { LineKey } from '../../parts/line-key.js'
import { Panel } from '../../parts/panel.js'
import css from './compare.module.css'
import type { Group } from './groups.js'
import { differences } from './settings.js'

/** In what the configurations differ, key by key: nothing of what they share. */
export function ConfigDifferences({ groups }: { readonly groups: readonly Group[] }) {
  const found = useMemo(() => differences(groups.map(({ config }) => config)), [groups])
  return (
    <Panel
      title="Settings that differ"
      note={groups.length > 1 ? String(found.length) : undefined}
      isFlush
    >
      {groups.length < 2 ? (
        <p className={css['same']}>There is nothing to compare it with</p>
      ) : found.length === 0 ? (
        <p className={css['same']}>Their configurations are the same but for names and seeds</p>
      ) : (
        // It scrolls, so that it must be reached by keyboard.
        <div
          className={css['scroll']}
          tabIndex={0}
          role="region"
          aria-label="Settings that differ, as a table"
        >
          <table className={css['settings']}>
            <thead>
              <tr>
                <th scope="col">Setting</th>
                {groups.map(({ id, label, look }) => (
                  <th key={id} scope="col">
                    <span className={css['column']}>
                      <LineKey look={look} />
                      <span className={css['rowLabel']}>{label}</span>
                    </span>
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {found.map(({ key, values }) => (
                <tr key={key}>
                  <th scope="row">
                    <code>{key}</code>
                  </th>
                  {values.map((value, i) => (
                    <td
                      key={groups[i]?.id}
                      className={classNames(value !== values[0] && css['other'])}
                    >
                      {value === null ? <span className="muted">–</span> : <code>{value}</code>}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Panel>
  )
}
