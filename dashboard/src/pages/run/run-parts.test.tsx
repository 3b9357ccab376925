import { QueryClientProvider } from '@tanstack/react-query'
import {
  createMemoryHistory,
  createRootRoute,
  createRouter,
  RouterProvider,
} from '@tanstack/react-router'
import { cleanup, render, screen, waitFor } from '@testing-library/react'
import { userEvent } from '@testing-library/user-event'
import type { ReactNode } from 'react'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Role } from '#protocol/roles.js'
import type { Attempt, RunLine, RunView } from '#protocol/run-views.js'
import { queryClient, SESSION_KEY } from '../../server/client.js'
import { AttemptRows } from './attempt-rows.js'
import { RunActions } from './run-actions.js'
import { StateMachine } from './state-machine.js'

const LINE: RunLine = {
  ...{ runId: 'run-0123456789ab' as RunLine['runId'], name: '<b>first</b>', kind: 'deployed' },
  ...{ state: 'running', reason: null, method: 'fedavg', model: 'mlp', round: 3, rounds: 10 },
  ...{ members: 3, accuracy: 0.5, accuracies: [0.5], latestAt: null },
  ...{ audit: { state: 'none', verdict: null }, createdAt: '2026-11-28T12:00:00.000Z' },
}
const ATTEMPT: Attempt = {
  ...{ round: 4, attempt: 2, purpose: 'train', part: 'method' },
  ...{ openedAt: '2026-11-28T12:00:00.000Z', endedAt: '2026-11-28T12:00:09.000Z' },
  ...{ outcome: 'closed', deadlineSeconds: 60 },
  counts: { asked: 3, accepted: 1, refused: 1, failed: 1 },
  members: [
    { slot: 0, state: 'accepted', at: '2026-11-28T12:00:02.000Z', code: null },
    { slot: 1, state: 'refused', at: '2026-11-28T12:00:08.000Z', code: 'round/closed' },
    { slot: 2, state: 'failed', at: '2026-11-28T12:00:03.000Z', code: 'data/mismatch' },
  ],
}

/** With a router around it, where links lead. */
function show(part: ReactNode, role: Role = 'researcher'): void {
  queryClient.setQueryData(SESSION_KEY, { name: 'anna', role })
  const router = createRouter({
    routeTree: createRootRoute({ component: () => part }),
    history: createMemoryHistory(),
  })
  render(
    <QueryClientProvider client={queryClient}>
      <RouterProvider router={router as never} />
    </QueryClientProvider>,
  )
}
const buttons = (): readonly (string | null)[] =>
  screen.getAllByRole('button').map(({ textContent }) => textContent)

afterEach(() => {
  cleanup()
  queryClient.clear()
  vi.unstubAllGlobals()
})

describe('what can be done with a run', () => {
  it('is what the coordinator lets that role do', async () => {
    show(<RunActions line={LINE} />, 'viewer')
    await waitFor(() => expect(buttons()).toEqual(['Export']))
    cleanup()
    show(<RunActions line={LINE} />)
    await waitFor(() => expect(buttons()).toEqual(['Stop', 'Export']))
    expect(screen.getByRole('link', { name: 'Clone' }).getAttribute('href')).toContain(LINE.runId)
  })
  it('is not going on where an audit stands against it', async () => {
    const stopped = { ...LINE, state: 'stopped' as const }
    show(<RunActions line={stopped} />)
    await waitFor(() => expect(buttons()).toEqual(['Resume', 'Export']))
    cleanup()
    show(<RunActions line={{ ...stopped, audit: { state: 'above-threshold', verdict: 'high' } }} />)
    await waitFor(() => expect(buttons()).toEqual(['Export']))
  })
  it('is stopped by keyboard alone, after a question', async () => {
    const fetched = vi.fn(() => Promise.resolve(new Response('{}')))
    vi.stubGlobal('fetch', fetched)
    // Which jsdom does not have.
    vi.stubGlobal('CSS', { escape: (text: string) => text })
    const user = userEvent.setup()
    show(<RunActions line={LINE} />)
    await screen.findByRole('button', { name: 'Stop' })
    await user.tab()
    await user.keyboard('{Enter}')
    expect((await screen.findByRole('alertdialog')).textContent).toContain('<b>first</b>')
    expect(fetched).not.toHaveBeenCalled()
    await user.keyboard('{Enter}')
    await waitFor(() => expect(screen.queryByRole('alertdialog')).toBeNull())
    expect(fetched).toHaveBeenCalledWith(
      `/api/runs/${LINE.runId}/stop`,
      expect.objectContaining({ method: 'POST' }),
    )
  })
})

describe('where a run is', () => {
  const view = {
    ...{ line: LINE, latest: { ...ATTEMPT, outcome: 'open' }, config: {} },
    stage: { stage: 'collecting', round: 4, attempt: 2 },
  } as unknown as RunView
  const now = (): string | null | undefined =>
    screen.getAllByRole('listitem').find((item) => item.getAttribute('aria-current') === 'step')
      ?.textContent

  it('is a step of its round, with how many have reported', () => {
    render(<StateMachine view={view} />)
    expect(now()).toBe('Collecting1 of 3')
    screen.getByText('Round 4 of 10, attempt 2')
  })
  it('begins with the audit, where there is one', () => {
    const stage = { stage: 'auditing', round: 1, attempt: 1 } as const
    render(<StateMachine view={{ ...view, stage, config: { audit: {} } as never }} />)
    expect(now()).toBe('Auditing')
  })
  it('is none when it has failed', () => {
    const stage = { stage: 'failed', round: 4, attempt: 2 } as const
    render(<StateMachine view={{ ...view, stage }} />)
    expect(now()).toBeUndefined()
    screen.getByText('Failed in round 4 of 10')
  })
})

describe('an attempt at a round', () => {
  const nameOf = (slot: number): string => ['<i>Bergen</i>', 'Lyon', 'Porto'][slot] ?? ''
  it('says how many came, and of each member what became of its task and why', async () => {
    const user = userEvent.setup()
    render(<AttemptRows attempts={[ATTEMPT]} mode="time" nameOf={nameOf} />)
    const row = screen.getByRole('button', { expanded: false })
    expect(row.textContent).toBe('4attempt 21 of 3 · 1 late · 1 failed9 s')
    await user.click(row)
    const members = screen.getAllByRole('listitem').slice(1)
    expect(members.map(({ textContent }) => textContent)).toEqual([
      '<i>Bergen</i>Accepted after 2 s',
      'LyonLate after 8 s: it came after the round had closed',
      'PortoFailed after 3 s: it came back with other data',
    ])
  })
  it('names nobody where that is hidden', async () => {
    const user = userEvent.setup()
    render(<AttemptRows attempts={[{ ...ATTEMPT, members: [] }]} mode="time" nameOf={nameOf} />)
    await user.click(screen.getByRole('button', { expanded: false }))
    screen.getByText('3 members were asked; who they are is hidden.')
  })
})
