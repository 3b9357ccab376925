import { Link } from '@tanstack/react-router'
import {
  ChevronDown,
  Copy,
  Download,
  FileJson,
  Play,
  ShieldCheck,
  Square,
  Table2,
} from 'lucide-react'
import { useState } from 'react'
import { FederationError } from '#protocol/errors.js'
import type { RunLine } from '#protocol/run-views.js'
import { classNames } from '../../look/class-names.js'
import { Button } from '../../parts/button.js'
import button from '../../parts/button.module.css'
import { save } from '../../parts/chart-files.js'
import { Confirm, Window } from '../../parts/confirm.js'
import { Menu, MenuItem } from '../../parts/menu.js'
import { Problem } from '../../parts/problem.js'
import { problemOf } from '../../server/api.js'
import { api } from '../../server/client.js'
import { useMay } from '../../server/session.js'
import { jsonFile, roundsCsv } from './export-files.js'
import css from './run-page.module.css'

/** An audit that stands against the run: neither does it go on, nor is its model given out, until an administrator decides. */
const isHeldBack = ({ audit }: RunLine): boolean =>
  audit.state === 'above-threshold' || audit.state === 'unsound'

/** What can be done with a run by who is signed in. */
export function RunActions({ line }: { readonly line: RunLine }) {
  const mayChange = useMay('researcher')
  const [asks, setAsks] = useState<'stop' | 'resume' | null>(null)
  const isUnderWay = line.state === 'running' || line.state === 'waiting'
  const canResume =
    (line.state === 'stopped' || line.state === 'failed') &&
    line.kind === 'deployed' &&
    !isHeldBack(line)
  const params = { id: line.runId }
  return (
    <>
      {mayChange && isUnderWay && (
        <Button icon={Square} onPress={() => setAsks('stop')}>
          Stop
        </Button>
      )}
      {mayChange && canResume && (
        <Button icon={Play} onPress={() => setAsks('resume')}>
          Resume
        </Button>
      )}
      {mayChange && (
        <Link
          to={'/start'}
          search={{ from: line.runId } as object}
          className={classNames(button['button'], button['plain'])}
        >
          <Copy size={14} aria-hidden="true" />
          <span className={css['wideWord']}>Clone</span>
        </Link>
      )}
      <Export line={line} mayHaveModel={mayChange && !isHeldBack(line)} />
      <Confirm
        isOpen={asks === 'stop'}
        onClose={() => setAsks(null)}
        title="Stop the run?"
        action="Stop"
        isDanger
        onConfirm={() => api.call('POST /api/runs/:id/stop', { params })}
      >
        {line.name} ends after what is stored; updates of the open round are thrown away. It can be
        resumed later.
      </Confirm>
      <Confirm
        isOpen={asks === 'resume'}
        onClose={() => setAsks(null)}
        title="Resume the run?"
        action="Resume"
        onConfirm={() => api.call('POST /api/runs/:id/resume', { params })}
      >
        {line.name} goes on after round {line.round} of {line.rounds}, with the nodes that are
        there.
      </Confirm>
    </>
  )
}

function Export({
  line,
  mayHaveModel,
}: {
  readonly line: RunLine
  readonly mayHaveModel: boolean
}) {
  const [problem, setProblem] = useState<FederationError | null>(null)
  const params = { id: line.runId }
  const take = async (made: () => Promise<Blob>, ending: string): Promise<void> => {
    try {
      save(await made(), `${line.name}-${line.runId}${ending}`)
    } catch (error) {
      setProblem(problemOf(error))
    }
  }
  const record = () => api.call('GET /api/runs/:id', { params })
  const report = async (): Promise<Blob> => {
    const { report: signed } = await api.call('GET /api/runs/:id/audit', { params })
    if (signed === null)
      throw new FederationError('audit/under-way', 'There is no report of the audit yet')
    return jsonFile(signed)
  }
  const model = () => api.file('GET /api/runs/:id/model', params)
  return (
    <>
      <Menu
        label="Export"
        button={
          <Button icon={Download}>
            <span className={css['wideWord']}>Export</span>
            <ChevronDown size={13} aria-hidden="true" />
          </Button>
        }
      >
        <MenuItem
          label="Record (JSON)"
          icon={FileJson}
          onAction={() => void take(async () => jsonFile(await record()), '.json')}
        />
        <MenuItem
          label="Metrics of rounds (CSV)"
          icon={Table2}
          onAction={() =>
            void take(
              async () => new Blob([roundsCsv(await record())], { type: 'text/csv' }),
              '-rounds.csv',
            )
          }
        />
        {mayHaveModel && (
          <MenuItem
            label="Latest model (bundle)"
            icon={Download}
            onAction={() => void take(model, '.bundle')}
          />
        )}
        {line.audit.verdict !== null && (
          <MenuItem
            label="Audit report (JSON)"
            icon={ShieldCheck}
            onAction={() => void take(report, '-audit-report.json')}
          />
        )}
      </Menu>
      <Window
        isOpen={problem !== null}
        onClose={() => setProblem(null)}
        title="The export did not work"
      >
        {problem !== null && <Problem error={problem} />}
        <Button slot="close">Close</Button>
      </Window>
    </>
  )
}
