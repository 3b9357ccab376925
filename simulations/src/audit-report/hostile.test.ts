import { beforeAll, describe, expect, it } from 'vitest'
import type { AuditReport, SignedReport } from '#protocol/audit-report.js'
import { PAYLOADS } from '#testing/security/xss-payloads.js'
import { madeUpAudit, OPEN } from '#testing/made-up-audit.js'
import { seen } from '#testing/read-report.js'
import { auditReportPage } from './report.js'

const PNG = 'data:image/png;base64,'
/** Every text that is not one of a few words of the format. */
function withText(report: AuditReport, text: string): AuditReport {
  const settings = {
    ...report.settings,
    task: { ...report.settings.task, classes: [text, `${text} `] },
    model: { name: text, [text]: text },
    method: { name: text },
  }
  return {
    ...report,
    ...{ name: text, version: text, auxiliary: text, hardware: text, settings },
    records: { ...report.records, description: text },
    generator: { ...report.generator!, name: text, trainedOn: text },
    engine: { ...report.engine, backend: text, version: text },
    threatModel: [{ knob: text, value: text }],
    limitations: [text],
    rows: report.rows.map((row) => ({
      ...row,
      ...{ id: text, defence: text, because: text, updates: [{ name: text }] },
      methods: row.methods.map((method, i) => ({ ...method, name: `${text}${i}`, note: text })),
      controls: row.controls.map((control) => ({ ...control, method: text })),
    })),
    pictures: {
      retainUntil: '2027-01-31',
      byRow: [
        {
          row: text,
          pictures: [
            {
              ...{ record: 0, truth: PNG + text },
              reconstructions: [{ method: text, image: PNG + text, psnr: 20 }],
            },
          ],
        },
      ],
    },
  }
}
let small: SignedReport
beforeAll(async () => {
  small = await madeUpAudit({}, [{ methods: OPEN.slice(1, 3), utility: 0.5 }])
})
const page = async (text: string): Promise<string> => {
  const { report, signature } = small
  const hostile: SignedReport = {
    report: withText(report, text),
    signature: { ...signature, publicKey: text, value: text },
  }
  return auditReportPage(hostile)
}

describe('a page of a report that came from elsewhere', () => {
  it(`shows ${PAYLOADS.length} texts as text, in every field`, async () => {
    const plain = await page('plain')
    // Without drawings: where labels lean and letters go depends on how long they are.
    const tags = (markup: string): number =>
      markup.replaceAll(/<svg.*?<\/svg>/gs, '').match(/<[a-z!/]/gi)?.length ?? 0
    for (const payload of PAYLOADS) {
      const hostile = await page(payload)
      if (payload.includes('<'))
        expect([payload, hostile.includes(payload)]).toEqual([payload, false])
      expect([payload, tags(hostile)]).toEqual([payload, tags(plain)])
      for (const [tag] of hostile.matchAll(/<[a-z][^<>]*>/g))
        expect(tag.replaceAll(/"[^"]*"/g, '')).not.toMatch(/\son\w+=/)
    }
    expect(seen(await page('<b>bold</b>'))).toContain('<b>bold</b>')
  })
  it('has no script, loads nothing, and forbids both', async () => {
    const markup = await auditReportPage(small)
    expect(markup).not.toContain('<script')
    expect(markup).not.toMatch(/(src|href)="(?!#|data:image\/png)/)
    expect(markup).not.toMatch(/url\((?!#)/)
    expect(markup).toContain(
      `content="default-src &#39;none&#39;; style-src &#39;unsafe-inline&#39;; img-src data:"`,
    )
  })
  it('is the same in whatever order a file has the keys', async () => {
    const { report, signature } = small
    const { name, ...options } = report.settings.model
    const settings = { ...report.settings, model: { ...options, name } }
    expect(await auditReportPage({ report: { ...report, settings }, signature })).toBe(
      await auditReportPage(small),
    )
  })
  it('is the same for the same report, and has no id twice', async () => {
    const markup = await auditReportPage(small)
    expect(await auditReportPage(small)).toBe(markup)
    const ids = [...markup.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id)
    expect(new Set(ids).size).toBe(ids.length)
  })
})
