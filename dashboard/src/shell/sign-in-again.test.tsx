import { QueryClientProvider } from '@tanstack/react-query'
import { cleanup, render, screen } from '@testing-library/react'
import { userEvent } from '@testing-library/user-event'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { api, queryClient, SESSION_KEY } from '../server/client.js'
import { useAskedAgain } from '../server/sign-in-again.js'
import { SignInAgain } from './sign-in-again.js'

/** What the app does: a page that stays, and over it the question when it is asked. */
function Page() {
  const reason = useAskedAgain()
  return (
    <QueryClientProvider client={queryClient}>
      <textarea aria-label="Draft" />
      {reason !== null && <SignInAgain reason={reason} />}
    </QueryClientProvider>
  )
}

describe('a session that ends while a page is open', () => {
  const user = userEvent.setup()
  let isSignedIn: boolean
  let refusal: string
  beforeEach(() => {
    // Which jsdom does not have.
    vi.stubGlobal('CSS', { escape: (text: string) => text })
    isSignedIn = false
    refusal = 'auth/bad-token'
    queryClient.setQueryData(SESSION_KEY, { name: 'anna', role: 'researcher' })
    vi.stubGlobal('fetch', (address: string, { body }: RequestInit) => {
      const refused = (code: string): Response =>
        new Response(JSON.stringify({ problem: { code, message: 'No' } }), { status: 401 })
      if (address === '/api/sign-in') {
        isSignedIn = (body as string).includes('"password":"right"')
        const session = {
          ...{ name: 'anna', role: 'researcher', session: null, token: null },
          ...{ csrfToken: 'c', endsAt: '2026-11-28T12:00:00.000Z' },
        }
        return Promise.resolve(
          isSignedIn ? new Response(JSON.stringify(session)) : refused('auth/bad-password'),
        )
      }
      return Promise.resolve(isSignedIn ? new Response('{"runs":[]}') : refused(refusal))
    })
    render(<Page />)
  })
  afterEach(() => {
    cleanup()
    queryClient.clear()
    vi.unstubAllGlobals()
  })
  const password = (): Promise<HTMLElement> => screen.findByLabelText('Password of anna')

  it('asks for the password over the page, once for all that wait, and lets them go on', async () => {
    await user.type(screen.getByLabelText('Draft'), 'half a sentence')
    const calls = Promise.all([api.call('GET /api/runs'), api.call('GET /api/runs')])
    await user.type(await password(), 'wrong{Enter}')
    expect((await screen.findByRole('alert')).textContent).toContain('auth/bad-password')
    await user.keyboard('{Escape}')
    await user.clear(await password())
    await user.type(await password(), 'right{Enter}')
    expect(await calls).toEqual([{ runs: [] }, { runs: [] }])
    await vi.waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
    expect(screen.getByLabelText<HTMLTextAreaElement>('Draft').value).toBe('half a sentence')
  })
  it('is over where somebody would rather leave', async () => {
    const call = api.call('GET /api/runs').catch((error: unknown) => error)
    await password()
    await user.click(screen.getByRole('button', { name: 'Leave the page' }))
    expect(await call).toMatchObject({ code: 'auth/bad-token' })
    expect(queryClient.getQueryData(SESSION_KEY)).toBeNull()
  })
  it('stays where only this one thing needs a fresh sign-in', async () => {
    refusal = 'auth/sign-in-again'
    const call = api.call('GET /api/runs').catch((error: unknown) => error)
    await password()
    await user.keyboard('{Escape}')
    expect(await call).toMatchObject({ code: 'auth/sign-in-again' })
    expect(queryClient.getQueryData(SESSION_KEY)).toMatchObject({ name: 'anna' })
  })
  it('asks nobody who had not signed in', async () => {
    queryClient.setQueryData(SESSION_KEY, null)
    await expect(api.call('GET /api/runs')).rejects.toMatchObject({ code: 'auth/bad-token' })
    expect(screen.queryByRole('dialog')).toBeNull()
  })
})
