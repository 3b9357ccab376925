import { useQuery } from '@tanstack/react-query'
import { Download } from 'lucide-react'
import { useMemo, useState } from 'react'
import type { JsonObject } from '#protocol/json.js'
import { Button } from '../../parts/button.js'
import { save } from '../../parts/chart-files.js'
import { CopyButton } from '../../parts/copy.js'
import { SearchField } from '../../parts/field.js'
import { Panel } from '../../parts/panel.js'
import { Segments } from '../../parts/segments.js'
import { api } from '../../server/client.js'
import type { LiveRun } from '../../server/run.js'
import { configRows, type ConfigRow } from './config-rows.js'
import { engineText } from './client-rows.js'
import css from './config.module.css'
import { jsonFile } from './export-files.js'
import page from './run-page.module.css'

const MODES = [
  { id: 'keys', label: 'Keys' },
  { id: 'changed', label: 'Changed' },
  { id: 'json', label: 'JSON' },
] as const
type Mode = (typeof MODES)[number]['id']

/** What the run was asked to do, key by key, and by what it can be told from others. */
export function ConfigTab({ run }: { readonly run: LiveRun }) {
  const [mode, setMode] = useState<Mode>('keys')
  const [text, setText] = useState('')
  const { config, line } = run.view
  const { data: schema = null } = useQuery({
    queryKey: ['schema', 'run-config'],
    queryFn: ({ signal }) => api.call('GET /api/schema/run-config', { signal }),
    staleTime: Infinity,
  })
  const rows = useMemo(
    () => configRows(config as unknown as JsonObject, schema as JsonObject | null),
    [config, schema],
  )
  const json = JSON.stringify(config, null, 2)
  return (
    <div className={page['stack']}>
      <Fingerprint run={run} />
      <Panel
        title="Configuration"
        isFlush
        actions={
          <>
            <Segments label="Shown" items={MODES} value={mode} onChange={setMode} />
            <CopyButton label="Copy as JSON" text={json} />
            <Button
              look="quiet"
              icon={Download}
              onPress={() => save(jsonFile(config), `${line.name}-config.json`)}
            >
              JSON
            </Button>
          </>
        }
      >
        {mode === 'json' ? (
          // It scrolls, so that it must be reached by keyboard.
          <pre className={css['json']} tabIndex={0} aria-label="Configuration as JSON">
            {json}
          </pre>
        ) : (
          <>
            <div className={css['find']}>
              <SearchField label="Find keys" value={text} onChange={setText} />
            </div>
            <Keys rows={fitting(rows, { text, changedOnly: mode === 'changed' })} />
          </>
        )}
      </Panel>
    </div>
  )
}

function fitting(
  rows: readonly ConfigRow[],
  { text, changedOnly }: { readonly text: string; readonly changedOnly: boolean },
): readonly ConfigRow[] {
  const wanted = text.trim().toLowerCase()
  if (!changedOnly && wanted === '') return rows
  return rows.filter(
    ({ path, value, description, isChanged }) =>
      value !== null &&
      (!changedOnly || isChanged !== false) &&
      `${path} ${value} ${description ?? ''}`.toLowerCase().includes(wanted),
  )
}

function Keys({ rows }: { readonly rows: readonly ConfigRow[] }) {
  const isWhole = rows.some(({ value }) => value === null)
  return (
    <table className={css['keys']}>
      <caption className="said">Keys of the configuration</caption>
      <colgroup>
        <col className={css['keyColumn']} />
        <col />
      </colgroup>
      <thead className="said">
        <tr>
          <th scope="col">Key</th>
          <th scope="col">Value</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.path} data-group={row.value === null}>
            <th
              scope="row"
              className={css['key']}
              style={{ '--depth': isWhole ? row.depth : 0 } as React.CSSProperties}
            >
              {isWhole ? row.key : row.path}
            </th>
            <td className={css['cell']}>
              {row.value !== null && (
                <code className={css['value']} data-changed={row.isChanged === true}>
                  {row.value}
                </code>
              )}
              {row.isChanged === true && <span className={css['changed']}>not the default</span>}
              {row.description !== null && (
                <span className={css['description']}>{row.description}</span>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** By what a run, and what came of it, are told from others. */
function Fingerprint({ run: { runId, view } }: { readonly run: LiveRun }) {
  const { engine, configHash, modelHash, version } = view
  const facts: readonly (readonly [string, string])[] = [
    ['Run', runId],
    ['Configuration', configHash],
    ...(modelHash === null ? [] : [['Latest model', modelHash] as const]),
    ['Coordinator', `Tributary ${version}`],
    ['Computes with', engineText(engine)],
  ]
  return (
    <Panel title="Fingerprint">
      <dl className={css['facts']}>
        {facts.map(([term, value]) => (
          <div key={term} className={css['fact']}>
            <dt>{term}</dt>
            <dd>
              <code>{value}</code>
              <CopyButton label={`Copy ${term.toLowerCase()}`} text={value} />
            </dd>
          </div>
        ))}
      </dl>
    </Panel>
  )
}
