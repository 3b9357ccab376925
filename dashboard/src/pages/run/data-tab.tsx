import type { LiveRun } from '../../server/run.js'

export const DataTab = ({ run }: { readonly run: LiveRun }) => <p>{run.view.line.name}</p>
