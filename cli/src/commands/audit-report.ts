import { dirname, join, resolve } from 'node:path'
import type { Command } from 'commander'
import { writeForOwner } from '#simulations/audit/owner-files.js'
import { readReport } from '#simulations/audit/report-files.js'
import { addCommand } from '../command.js'

export function registerAuditReport(audit: Command): void {
  addCommand<{ readonly out?: string }>(audit, 'report <report>', {
    describe: 'make the page that people read, print and sign, from a report.json',
    options: (command) =>
      command.option('--out <file>', 'where it goes; left out: report.html beside the report'),
    run: async ({ out }, options, [path = '']) => {
      const signed = await readReport(path)
      // What draws the page is loaded only here.
      const { auditReportPage } = await import('#simulations/audit-report/report.js')
      const file = resolve(options.out ?? join(dirname(path), 'report.html'))
      const page = await auditReportPage(signed)
      await writeForOwner(file, page)
      out.say(`Page ${file}`)
      out.finish('audit:report', { page: file, bytes: Buffer.byteLength(page) })
    },
  })
}
