import { QueryClientProvider } from '@tanstack/react-query'
import { cleanup, render, screen } from '@testing-library/react'
import { userEvent } from '@testing-library/user-event'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { queryClient, SESSION_KEY } from '../../server/client.js'
import { takeCodeFromLink, type LinkCode } from '../../shell/code-in-link.js'
import { SignIn } from './sign-in.js'

interface Asked {
  readonly address: string
  readonly body: unknown
}
const SESSION = {
  ...{ name: 'anna', role: 'viewer', session: null, token: null },
  ...{ csrfToken: 'c', endsAt: '2026-11-28T12:00:00.000Z' },
}

describe('signing in', () => {
  const user = userEvent.setup()
  let asked: Asked[]
  let refusal: { readonly code: string; readonly message: string } | null
  const open = (code: LinkCode | null): void => {
    render(
      <QueryClientProvider client={queryClient}>
        <SignIn code={code} />
      </QueryClientProvider>,
    )
  }
  const press = (name: string): Promise<void> => user.click(screen.getByRole('button', { name }))

  beforeEach(() => {
    asked = []
    refusal = null
    vi.stubGlobal('fetch', (address: string, init: RequestInit) => {
      asked.push({ address, body: JSON.parse(init.body as string) })
      const [status, body] = refusal === null ? [200, SESSION] : [401, { problem: refusal }]
      return Promise.resolve(new Response(JSON.stringify(body), { status }))
    })
  })
  afterEach(() => {
    cleanup()
    queryClient.clear()
    vi.unstubAllGlobals()
  })

  it('by name and password, with a cookie', async () => {
    open(null)
    await user.type(screen.getByLabelText('Name'), ' Anna ')
    await user.type(screen.getByLabelText('Password'), 'a long password{Enter}')
    await vi.waitFor(() => expect(asked).toHaveLength(1))
    expect(asked).toEqual([
      {
        address: '/api/sign-in',
        body: { name: 'anna', password: 'a long password', keep: 'cookie' },
      },
    ])
  })
  it('by the code in a link, which leaves the address at once; then a password is chosen', async () => {
    history.replaceState(null, '', '/runs?state=active#code=ABCD-EFGH')
    open(takeCodeFromLink())
    expect(location.href.endsWith('/runs?state=active')).toBe(true)
    expect(takeCodeFromLink()).toBeNull()
    await user.type(screen.getByLabelText('New password'), 'a long password')
    await press('Set password and sign in')
    expect(asked.map(({ body }) => body)).toEqual([
      { code: 'ABCD-EFGH', password: 'a long password', keep: 'cookie' },
    ])
  })
  it('by the link of a demo, at once and once only', async () => {
    history.replaceState(null, '', '/#code=ABCD-EFGH&enter')
    open(takeCodeFromLink())
    await vi.waitFor(() => expect(asked).toHaveLength(1))
    expect(asked[0]?.body).toEqual({ code: 'ABCD-EFGH', keep: 'cookie' })
    expect(location.href.includes('ABCD')).toBe(false)
    expect(screen.queryByLabelText('New password')).toBeNull()
  })
  it('by a code that was told, this once', async () => {
    open(null)
    await press('Use a one-time code')
    await user.type(screen.getByLabelText('One-time code'), ' ABCD {Enter}')
    await press('Sign in this once')
    expect(asked.map(({ body }) => body)).toEqual([{ code: 'ABCD', keep: 'cookie' }])
  })
  it('says what is wrong and what to do, and takes another code after one that is used up', async () => {
    open({ code: 'ABCD', isEntry: false })
    refusal = { code: 'auth/bad-code', message: 'This code is not valid' }
    await press('Sign in this once')
    const alert = await screen.findByRole('alert')
    expect(alert.textContent).toContain('This code is not valid')
    expect(alert.textContent).toContain('Ask an administrator')
    expect(queryClient.getQueryData(SESSION_KEY)).toBeFalsy()
    await press('Enter another code')
    expect(screen.getByLabelText('One-time code')).toBeDefined()
  })
})
