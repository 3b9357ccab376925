import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { Play } from 'lucide-react'
import { useEffect, useState, type KeyboardEvent, type ReactNode } from 'react'
import type { FederationError } from '#protocol/errors.js'
import type { JsonObject } from '#protocol/json.js'
import { Button } from '../../parts/button.js'
import { Page } from '../../parts/page.js'
import { Problem } from '../../parts/problem.js'
import { Segments } from '../../parts/segments.js'
import { problemOf, type CallOptions } from '../../server/api.js'
import { api, queryClient } from '../../server/client.js'
import { statusQuery } from '../../server/queries.js'
import { ConfigText } from './config-text.js'
import { ConfigForm } from './form/config-form.js'
import type { FormSchema } from './form/form-schema.js'
import { errorTreeOf, refusalOf, stillWrong, type Refusal } from './form/refusal.js'
import { focusField, RefusalSummary } from './refusal-summary.js'
import css from './start.module.css'
import { useConfig, type ConfigState } from './use-config.js'

/** What the coordinator takes: JSON, by a type that says so in another way. */
type Body = NonNullable<CallOptions<'POST /api/runs'>['body']>
const NOTHING_WRONG: Refusal = { fields: [], others: [] }

export function StartForm({
  schema,
  initial,
  begin,
}: {
  readonly schema: FormSchema
  readonly initial: JsonObject
  /** What it begins with; told whether something would be lost by another. */
  readonly begin: (isChanged: boolean) => ReactNode
}) {
  const edited = useConfig(initial)
  const { refusal, problem, isPending, start, look } = useStarting(edited, schema)
  const [view, setView] = useState<'form' | 'text'>('form')
  const { config, text } = edited
  const press = (event: KeyboardEvent): void => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void start()
  }
  return (
    <Page
      title="Start a run"
      note={<NodesOnline />}
      actions={
        <Button look="primary" icon={Play} isPending={isPending} onPress={() => void start()}>
          Start run
        </Button>
      }
      toolbar={
        <>
          {begin(edited.isChanged)}
          <div className={css['views']}>
            <Segments
              label="Edit as"
              items={[
                { id: 'form', label: 'Form' },
                { id: 'text', label: 'JSON' },
              ]}
              value={view}
              onChange={setView}
            />
          </div>
        </>
      }
    >
      <div className={css['page']} data-view={view} onKeyDown={press}>
        <div className={css['said']}>
          {problem !== null && <Problem error={problem} />}
          <RefusalSummary refusal={refusal} config={config} schema={schema} />
        </div>
        <div className={css['form']}>
          <ConfigForm
            schema={schema}
            config={config}
            errors={errorTreeOf(refusal.fields)}
            onChange={(next) => {
              look(next)
              edited.change(next)
            }}
          />
        </div>
        <div className={css['side']}>
          <ConfigText text={text} problem={edited.problem} onChange={edited.write} />
        </div>
      </div>
    </Page>
  )
}

interface Starting {
  readonly refusal: Refusal
  /** What is wrong that has to do with no setting. */
  readonly problem: FederationError | null
  readonly isPending: boolean
  readonly start: () => Promise<void>
  /** To be told what the configuration becomes. */
  readonly look: (next: JsonObject) => void
}

function useStarting({ config, problem: textProblem }: ConfigState, schema: FormSchema): Starting {
  const navigate = useNavigate()
  const [refusal, setRefusal] = useState(NOTHING_WRONG)
  const [problem, setProblem] = useState<FederationError | null>(null)
  const [isPending, setIsPending] = useState(false)
  const [asked, setAsked] = useState(0)
  // To the first setting that is wrong, when the fields show it.
  useEffect(() => {
    const [first] = refusal.fields
    if (asked > 0 && first !== undefined) focusField(first.path)
    // Each time that the coordinator was asked, and not when one of them is put right.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [asked])
  const refuse = (error: FederationError): void => {
    const isAbout = error.code.startsWith('config/')
    setRefusal(isAbout ? refusalOf(error, config, schema) : NOTHING_WRONG)
    setProblem(isAbout ? null : error)
    setAsked((times) => times + 1)
  }
  const start = async (): Promise<void> => {
    if (isPending) return
    if (textProblem !== null) {
      setRefusal({ fields: [], others: [`The JSON of the configuration: ${textProblem}`] })
      return
    }
    setIsPending(true)
    try {
      const { runId } = await api.call('POST /api/runs', {
        body: { config: config as Body['config'] },
      })
      void queryClient.invalidateQueries({ queryKey: ['list', 'runs'] })
      await navigate({ to: '/runs/$runId', params: { runId } })
    } catch (error) {
      refuse(problemOf(error))
    } finally {
      setIsPending(false)
    }
  }
  return {
    ...{ refusal, problem, isPending, start },
    look: (next) => setRefusal(stillWrong(refusal, config, next)),
  }
}

/** A run waits for nodes: whether there are any is worth knowing before. */
function NodesOnline() {
  const { data } = useQuery(statusQuery)
  if (data === undefined) return null
  const { nodesOnline: nodes } = data
  return (
    <>{nodes === 0 ? 'no node online' : nodes === 1 ? '1 node online' : `${nodes} nodes online`}</>
  )
}
