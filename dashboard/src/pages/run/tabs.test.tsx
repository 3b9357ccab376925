import { QueryClientProvider } from '@tanstack/react-query'
import {
  createMemoryHistory,
  createRootRoute,
  createRouter,
  RouterProvider,
} from '@tanstack/react-router'
import { cleanup, render, screen } from '@testing-library/react'
import type { ReactNode } from 'react'
import { afterEach, describe, expect, it } from 'vitest'
import type { RunView } from '#protocol/run-views.js'
import { queryClient } from '../../server/client.js'
import { auditQuery } from '../../server/queries.js'
import { growing, type LiveRun } from '../../server/run.js'
import { KeyFigures } from './key-figures.js'
import { MethodTab } from './method-tab.js'
import { ConfusionMap } from './panels/confusion-map.js'
import { PrivacyTab } from './privacy-tab.js'

const RUN_ID = 'run-0123456789ab' as LiveRun['runId']
const AT = '2026-11-28T12:00:00.000Z'

function runOf(change: object = {}): LiveRun {
  const line = {
    ...{ runId: RUN_ID, name: 'first', state: 'failed', reason: 'none came', round: 0 },
    ...{ rounds: 5, members: 0, accuracy: null, audit: { state: 'none', verdict: null } },
    ...{ createdAt: AT, latestAt: AT, method: 'fedavg', model: 'mlp' },
  }
  const config = {
    ...{ task: { classes: ['cat', 'dog'] }, method: { name: 'fedavg' }, training: {} },
    ...{ evaluation: {}, updates: [] },
  }
  const view = { line, config, roster: [], metrics: [], diagnosed: [], hidden: [], latest: null }
  return { runId: RUN_ID, view: { ...view, ...change } } as unknown as LiveRun
}

function show(part: ReactNode): void {
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

afterEach(() => {
  cleanup()
  queryClient.clear()
})

describe('tabs of a run', () => {
  it('privacy: what nobody is shown, and that nobody tried what updates reveal', async () => {
    queryClient.setQueryData(auditQuery(RUN_ID).queryKey, { state: 'none', report: null } as never)
    const { config } = runOf().view
    const updates = [
      { name: 'clip', norm: 1 },
      { name: 'gaussian-noise', stddev: 0.002 },
    ]
    show(<PrivacyTab run={runOf({ config: { ...config, updates }, hidden: ['names'] })} />)
    expect(await screen.findByText(/nobody tried what its updates reveal/)).toBeTruthy()
    expect(screen.getByText(/Noise with standard deviation 0\.002/)).toBeTruthy()
  })
  it('method: says what a run has to have so that local models are compared', async () => {
    show(<MethodTab run={runOf()} />)
    expect(await screen.findByText(/compares no local models/)).toBeTruthy()
  })
  it('data: which class is taken for which, in words', async () => {
    const curve = { name: 'recall/cat', rounds: [0, 1], seconds: [0, 1], bytes: [0, 1] }
    const curves = [{ ...curve, values: [0, 0.4] }]
    const metrics = ['recall/cat', 'recall/dog']
    queryClient.setQueryData(growing(RUN_ID, 'curves', ['recall/cat']), { curves })
    const record = {
      confusion: [
        [2, 3],
        [0, 0],
      ],
    }
    queryClient.setQueryData(['run', RUN_ID, 'round', 1], record)
    show(<ConfusionMap run={runOf({ metrics })} />)
    expect(await screen.findByText('Most often cat is taken for dog: 3 examples')).toBeTruthy()
  })
  it('overview: a run that ended before its first round tells no time that it took', async () => {
    const view: RunView = runOf().view
    show(<KeyFigures view={view} curves={[]} />)
    const label = await screen.findByText('From start to end')
    expect(label.nextElementSibling?.textContent).toBe('–')
  })
})
