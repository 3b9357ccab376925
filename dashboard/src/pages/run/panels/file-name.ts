import type { RunView } from '#protocol/run-views.js'

/** What a file about the run is called, without what it ends with. */
export const fileName = ({ line }: Pick<RunView, 'line'>, what: string): string =>
  `${line.name}-${line.runId}-${what}`
