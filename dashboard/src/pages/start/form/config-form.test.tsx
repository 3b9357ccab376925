import { cleanup, render, screen, within } from '@testing-library/react'
import { userEvent } from '@testing-library/user-event'
import { useState } from 'react'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { JsonObject } from '#protocol/json.js'
import { ConfigForm } from './config-form.js'
import { formSchemaOf } from './form-schema.js'
import { errorTreeOf, type FieldProblem } from './refusal.js'

const variant = (name: string, own: JsonObject): JsonObject => ({
  type: 'object',
  properties: { ...own, name: { type: 'string', const: name } },
  required: ['name'],
})
const schema = formSchemaOf({
  type: 'object',
  properties: {
    rounds: { type: 'integer', default: 10, description: 'How many <b>rounds</b>' },
    method: {
      oneOf: [
        variant('fedavg', { mu: { type: 'number', default: 0.1 } }),
        variant('moon', { heat: { type: 'number', default: 0.5 } }),
      ],
      default: { name: 'fedavg' },
    },
    audit: {
      type: 'object',
      properties: { budget: { type: 'string', enum: ['a', 'b'], default: 'a' } },
    },
  },
})

let config: JsonObject
function Edited({ problems = [] }: { readonly problems?: readonly FieldProblem[] }) {
  const [now, setNow] = useState<JsonObject>({})
  return (
    <ConfigForm
      schema={schema}
      config={now}
      onChange={(next) => {
        config = next
        setNow(next)
      }}
      errors={errorTreeOf(problems)}
    />
  )
}

describe('the form of a configuration', () => {
  const user = userEvent.setup()
  // Which jsdom does not have.
  vi.stubGlobal('CSS', { escape: (text: string) => text })
  beforeEach(() => {
    config = {}
  })
  afterEach(cleanup)

  it('says what is taken by default, and sends only what somebody set', async () => {
    render(<Edited />)
    const rounds: HTMLInputElement = screen.getByLabelText('Rounds')
    expect([rounds.placeholder, config]).toEqual(['10', {}])
    expect(screen.getByText('How many <b>rounds</b>')).toBeDefined()
    await user.type(rounds, '25')
    expect(config).toEqual({ rounds: 25 })
    await user.clear(rounds)
    expect(config).toEqual({})
  })
  it('swaps the settings with the name that is chosen, and brings them back', async () => {
    render(<Edited />)
    await user.type(screen.getByLabelText('Mu'), '0.3')
    expect(config).toEqual({ method: { name: 'fedavg', mu: 0.3 } })
    const card = screen.getByRole('region', { name: 'Method' })
    const choose = async (name: RegExp): Promise<void> => {
      const [button] = within(card).getAllByRole('button')
      await user.click(button!)
      await user.click(await screen.findByRole('option', { name }))
    }
    await choose(/moon/)
    expect([config, screen.queryByLabelText('Mu')]).toEqual([{ method: { name: 'moon' } }, null])
    await choose(/fedavg/)
    expect(config).toEqual({ method: { name: 'fedavg', mu: 0.3 } })
  })
  it('has what is optional when it is switched on', async () => {
    render(<Edited />)
    await user.click(screen.getByRole('button', { name: /More settings/ }))
    expect(screen.queryByText('Budget')).toBeNull()
    await user.click(screen.getByRole('switch', { name: 'Audit' }))
    expect([config, screen.queryAllByText('Budget').length > 0]).toEqual([{ audit: {} }, true])
  })
  it('says what is wrong beside the field, also where it was folded away', () => {
    const problems = [
      { path: ['rounds'], message: 'Expected ≥ 0' },
      { path: ['audit'], message: 'It audits nothing' },
    ]
    render(<Edited problems={problems} />)
    const rounds = screen.getByLabelText('Rounds')
    expect(rounds.getAttribute('aria-invalid')).toBe('true')
    const ids = (rounds.getAttribute('aria-describedby') ?? '').split(' ')
    expect(ids.map((id) => document.getElementById(id)?.textContent)).toContain('Expected ≥ 0')
    expect(screen.getByText('It audits nothing')).toBeDefined()
  })
})
