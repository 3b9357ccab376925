import { QueryClientProvider } from '@tanstack/react-query'
import { cleanup, render, screen, within } from '@testing-library/react'
import { userEvent } from '@testing-library/user-event'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { queryClient, SESSION_KEY } from '../../server/client.js'
import { signInLink } from './user-words.js'
import { UsersPage } from './users-page.js'

const person = (
  name: string,
  role: string,
  hasPassword = true,
  revokedAt: string | null = null,
) => ({
  ...{ name, role, hasPassword, createdAt: '2026-11-28T12:00:00.000Z', revokedAt },
})
const USERS = [
  person('ana', 'administrator'),
  person('bo', 'viewer', false),
  person('cy', 'researcher', true, '2026-11-28T12:00:00.000Z'),
]
interface Asked {
  readonly address: string
  readonly body: unknown
}

describe('users', () => {
  const user = userEvent.setup()
  let asked: Asked[]
  beforeEach(() => {
    asked = []
    // What React Aria asks browsers for, and jsdom does not have.
    vi.stubGlobal('CSS', { escape: (text: string) => text })
    queryClient.setQueryData(SESSION_KEY, { name: 'ana', role: 'administrator' })
    vi.stubGlobal('fetch', (address: string, init: RequestInit) => {
      if (init.method === 'GET') return Promise.resolve(Response.json({ users: USERS }))
      const body = JSON.parse(init.body as string) as { name?: string }
      asked.push({ address, body })
      const given = {
        name: body.name ?? 'bo',
        code: 'ABCD-EFGH',
        expiresAt: '2026-11-29T12:00:00.000Z',
      }
      return Promise.resolve(Response.json(/role|revoke/.test(address) ? {} : given))
    })
    render(
      <QueryClientProvider client={queryClient}>
        <UsersPage />
      </QueryClientProvider>,
    )
  })
  afterEach(() => {
    cleanup()
    queryClient.clear()
    vi.unstubAllGlobals()
  })

  it('tells who may come in, and offers nothing about oneself or who was revoked', async () => {
    const row = async (name: string) =>
      within(await screen.findByRole('row', { name: new RegExp(name) }))
    expect((await row('bo')).getAllByText('No password yet')).not.toHaveLength(0)
    expect((await row('cy')).getAllByText('Revoked')).not.toHaveLength(0)
    expect(screen.getAllByRole('button', { name: /^About/ })).toHaveLength(1)
  })
  it('adds a person, and shows the code and the link that they come in with', async () => {
    await user.click(await screen.findByRole('button', { name: 'Add a person' }))
    await user.type(screen.getByLabelText(/^Name/), ' Dora ')
    await user.click(screen.getByRole('button', { name: 'Add' }))
    expect(await screen.findByText('ABCD-EFGH')).toBeDefined()
    expect(screen.getByText(signInLink(location.origin, 'ABCD-EFGH'))).toBeDefined()
    expect(asked).toEqual([{ address: '/api/users', body: { name: 'dora', role: 'viewer' } }])
  })
  it('revokes only when asked twice', async () => {
    await user.click(await screen.findByRole('button', { name: 'About bo' }))
    await user.click(await screen.findByRole('menuitem', { name: 'Revoke …' }))
    expect(asked).toEqual([])
    await user.click(await screen.findByRole('button', { name: 'Revoke' }))
    await vi.waitFor(() => expect(asked).toEqual([{ address: '/api/users/bo/revoke', body: {} }]))
  })
})
