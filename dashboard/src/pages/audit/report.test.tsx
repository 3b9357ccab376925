import { QueryClientProvider } from '@tanstack/react-query'
import { cleanup, render, screen, within } from '@testing-library/react'
import { webcrypto } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { SignedReport } from '#protocol/audit-report.js'
import { reportText } from '#protocol/report-text.js'
import { queryClient } from '../../server/client.js'
import { findingsOf, gapsOf, leadRow, leavesOf, methodNames } from './findings.js'
import { madeUpReport } from './made-up.js'
import { Report } from './report.js'
import { sealOf } from './seal.js'
import type { AuditView } from './verdict-panel.js'

const base64url = (bytes: ArrayBuffer): string =>
  btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '')
/** Keys are made and checked off the thread, which a busy machine may keep waiting. */
const PATIENT = { timeout: 20_000 }
async function sign(report: SignedReport['report']): Promise<SignedReport> {
  const { publicKey, privateKey } = (await webcrypto.subtle.generateKey('Ed25519', true, [
    'sign',
    'verify',
  ])) as webcrypto.CryptoKeyPair
  const text = new TextEncoder().encode(reportText(report))
  return {
    report,
    signature: {
      algorithm: 'ed25519',
      publicKey: base64url(await webcrypto.subtle.exportKey('spki', publicKey)),
      value: base64url(await webcrypto.subtle.sign('Ed25519', privateKey, text)),
    },
  }
}
const view = (report: SignedReport, more: Partial<AuditView> = {}): AuditView => ({
  ...{ state: 'above-threshold', threshold: 'elevated', verdict: 'high', obstacles: [] },
  ...{ because: 'IG told 3 of 4 records', source: 'audited', override: null, progress: null },
  ...{ decidedAt: '2026-11-28T12:00:00.000Z', report, ...more },
})

describe('the report of an audit', () => {
  beforeEach(() => {
    vi.stubGlobal('crypto', webcrypto)
    vi.stubGlobal('fetch', () => new Promise(() => undefined))
  })
  afterEach(() => {
    cleanup()
    queryClient.clear()
    vi.unstubAllGlobals()
  })
  const show = (
    signed: SignedReport,
    more: Partial<AuditView> = {},
    stale: readonly string[] = [],
  ) =>
    render(
      <QueryClientProvider client={queryClient}>
        <Report view={view(signed, more)} signed={signed} staleKeys={stale} />
      </QueryClientProvider>,
    )

  it('knows whether it was changed after it was signed, and says when it cannot know', async () => {
    const signed = await sign(madeUpReport())
    expect(await sealOf(signed)).toBe('valid')
    expect(await sealOf({ ...signed, report: { ...signed.report, verdict: 'elevated' } })).toBe(
      'broken',
    )
    const signature = { ...signed.signature, publicKey: 'AAAA' }
    expect(await sealOf({ ...signed, signature })).toBe('broken')
    vi.stubGlobal('crypto', {})
    expect(await sealOf(signed)).toBe('unchecked')
  })
  it('tells the verdict, why, what would lower it, and what stands against it', async () => {
    const signed = await sign(madeUpReport())
    show(signed, {}, ['training.batchSize'])
    const verdict = within(screen.getByRole('region', { name: 'Verdict' }))
    expect(verdict.getByText('Records behind one update can be recognised')).toBeDefined()
    expect(verdict.getByText(/High/).closest('li')?.getAttribute('aria-current')).toBe('true')
    expect(verdict.getByText('3 of 4 records recognised')).toBeDefined()
    const lower = within(screen.getByRole('region', { name: 'What would lower it' }))
    expect(lower.getByText('clipped')).toBeDefined()
    expect(screen.getByText(/The run was stopped: the verdict is high/)).toBeDefined()
    expect(screen.getByText('training.batchSize', { selector: 'span code' })).toBeDefined()
    expect(await screen.findByText('Fits the report', {}, PATIENT)).toBeDefined()
  })
  it('has no verdict where the audit proves nothing', async () => {
    const signed = await sign(madeUpReport({ isSound: false }))
    show(signed, { state: 'unsound', obstacles: ['No placebo came to a result'] })
    expect(screen.getByText('No statement: the audit proves nothing')).toBeDefined()
    expect(screen.getByText(/No placebo came to a result/)).toBeDefined()
    expect(document.querySelector('[aria-current]')).toBeNull()
  })
  it('warns of a signature that does not fit', async () => {
    const signed = await sign(madeUpReport())
    show({ ...signed, report: { ...signed.report, seed: 7 } })
    expect(
      await screen.findByText('The signature of this report does not fit it', {}, PATIENT),
    ).toBeDefined()
  })
})

describe('what is found in a report', () => {
  const report = madeUpReport()
  it('comes from the worst row with the settings of the run', () => {
    expect(leadRow(report).id).toBe('plain')
    expect(findingsOf(leadRow(report)).map(({ found }) => found)).toEqual([
      '3 of 4 records recognised',
      'Up to 10 times closer',
      '100 % of labels inferred',
    ])
  })
  it('names attacks, and why some gave nothing, once', () => {
    expect(methodNames(report)).toEqual(['ig', 'ggl'])
    expect(gapsOf(report)).toEqual([
      'GGL: <b>no generator</b> (row 1)',
      'GGL: no reason was given (row 2)',
    ])
  })
  it('has settings by path, the name of a thing before its options', () => {
    expect(leavesOf({ b: [1], a: { z: null, name: 'x' } })).toEqual([
      ['a.name', '"x"'],
      ['a.z', 'null'],
      ['b', '[1]'],
    ])
  })
})
