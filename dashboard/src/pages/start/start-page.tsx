import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Lock } from 'lucide-react'
import { useMemo, useState } from 'react'
import type { JsonObject } from '#protocol/json.js'
import { Choice } from '../../parts/choice.js'
import { Confirm } from '../../parts/confirm.js'
import { Busy, Empty } from '../../parts/empty.js'
import { Page } from '../../parts/page.js'
import { Problem } from '../../parts/problem.js'
import { problemOf } from '../../server/api.js'
import { configSchemaQuery, runConfigQuery, runsQuery } from '../../server/queries.js'
import { useMay } from '../../server/session.js'
import { EXAMPLE_TITLES } from './examples.js'
import { configFromRun } from './form/config-data.js'
import { formSchemaOf, type FormSchema } from './form/form-schema.js'
import { loadExample } from './load-example.js'
import { parseStartSearch, type StartSearch } from './search.js'
import { StartForm } from './start-form.js'

/** Where a run is configured and started. */
export function StartPage() {
  const mayStart = useMay('researcher')
  if (mayStart) return <Started />
  return (
    <Page title="Start a run">
      <Empty icon={Lock} title="Researchers start runs">
        Your role is to look. Ask an administrator for the role of a researcher.
      </Empty>
    </Page>
  )
}

function Started() {
  const search = useSearch({ from: '/start' })
  const schemaAnswer = useQuery(configSchemaQuery)
  const beginning = useBeginning(search)
  const schema = useMemo(
    () => (schemaAnswer.data === undefined ? null : formSchemaOf(schemaAnswer.data)),
    [schemaAnswer.data],
  )
  const error = schemaAnswer.error ?? beginning.error
  if (error !== null)
    return (
      <Page title="Start a run">
        <Problem error={problemOf(error)} onRetry={() => void schemaAnswer.refetch()} />
      </Page>
    )
  if (schema === null || beginning.config === null)
    return (
      <Page title="Start a run">
        <Busy label="Loading …" />
      </Page>
    )
  return (
    <StartForm
      // Another beginning, another form.
      key={beginKey(search)}
      schema={schema}
      initial={initialOf(beginning.config, { schema, isRun: search.from !== undefined })}
      begin={(isChanged) => <Beginning isChanged={isChanged} />}
    />
  )
}

const initialOf = (
  config: JsonObject,
  { schema, isRun }: { readonly schema: FormSchema; readonly isRun: boolean },
): JsonObject => (isRun ? configFromRun(config, schema) : config)

/** The configuration to begin with; null while it is on its way. */
function useBeginning({ from, example }: StartSearch): {
  readonly config: JsonObject | null
  readonly error: Error | null
} {
  const run = useQuery({ ...runConfigQuery(from ?? ''), enabled: from !== undefined })
  const shipped = useQuery({
    queryKey: ['example', example],
    queryFn: () => loadExample(example ?? ''),
    enabled: from === undefined && example !== undefined,
    staleTime: Infinity,
  })
  if (from !== undefined) return { config: run.data ?? null, error: run.error }
  if (example === undefined) return { config: NOTHING, error: null }
  // An example that is no more is nothing to begin with.
  return { config: shipped.data === null ? NOTHING : (shipped.data ?? null), error: shipped.error }
}
const NOTHING: JsonObject = {}

const EMPTY = 'empty'
const beginKey = ({ from, example }: StartSearch): string =>
  from !== undefined ? `run ${from}` : example !== undefined ? `example ${example}` : EMPTY
const MOST_RUNS = 8

/** From which configuration one goes on. */
function Beginning({ isChanged }: { readonly isChanged: boolean }) {
  const search = useSearch({ from: '/start' })
  const navigate = useNavigate({ from: '/start' })
  const { data: runs = [] } = useQuery(runsQuery)
  const [wanted, setWanted] = useState<string | null>(null)
  const recent = [...runs].sort((a, b) => b.createdAt.localeCompare(a.createdAt))
  const shown = recent.filter(({ runId }, i) => i < MOST_RUNS || runId === search.from)
  const items = [
    { id: EMPTY, label: 'An empty configuration' },
    ...[...EXAMPLE_TITLES].map(([id, label]) => ({ id: `example ${id}`, label })),
    ...shown.map(({ runId, name, method }) => ({
      id: `run ${runId}`,
      label: `Run ${name} (${method})`,
    })),
  ]
  const begin = async (id: string): Promise<void> => {
    const [kind, name] = id.split(' ')
    const next = kind === 'run' ? { from: name } : kind === 'example' ? { example: name } : {}
    await navigate({ search: parseStartSearch(next), replace: true })
  }
  return (
    <>
      <Choice
        label="Begin with"
        showsLabel="beside"
        items={items}
        value={beginKey(search)}
        onChange={(id) => (isChanged ? setWanted(id) : void begin(id))}
      />
      <Confirm
        isOpen={wanted !== null}
        onClose={() => setWanted(null)}
        title="Begin anew?"
        action="Begin anew"
        onConfirm={() => begin(wanted ?? EMPTY)}
      >
        What you have set so far is lost.
      </Confirm>
    </>
  )
}
