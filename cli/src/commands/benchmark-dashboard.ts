import { writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { addCommand, integer } from '../command.js'
import { measureDashboard } from '../load/dashboard.js'
import { dashboardMarkdown, sampleTable, summaryTable } from '../load/dashboard-page.js'

interface DashboardOptions {
  readonly clients: number
  readonly minutes: number
  readonly rate: number
  readonly tab: string
  readonly out?: string
}
export const DASHBOARD = {
  name: 'dashboard',
  describe: 'the page of a run with many nodes, open in Chromium: frame times, DOM nodes, heap',
}

/** `tributary benchmark dashboard`. */
export function registerDashboardBenchmark(benchmark: Command): void {
  addCommand<DashboardOptions>(benchmark, DASHBOARD.name, {
    describe: DASHBOARD.describe,
    options: (command) =>
      command
        .option('--clients <n>', 'nodes of the run', integer({ min: 1, max: 10_000 }), 100)
        .option('--minutes <n>', 'how long the page is open', integer({ min: 1, max: 1440 }), 10)
        .option('--rate <n>', 'updates a second', integer({ min: 1, max: 10_000 }), 50)
        .option(
          '--tab <name>',
          'part of the page: overview, timeline, clients, events …',
          'overview',
        )
        .option('--out <file>', 'write the result as Markdown'),
    run: async (session, { out: file, ...setting }) => {
      const report = await measureDashboard(session, setting)
      for (const { head, rows } of [summaryTable(report), sampleTable(report)])
        session.out.table(head, rows)
      if (file !== undefined) await writeFile(file, dashboardMarkdown(report))
      session.out.finish('benchmark', { benchmark: DASHBOARD.name, ...report })
    },
  })
}
