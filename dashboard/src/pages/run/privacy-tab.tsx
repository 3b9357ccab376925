import type { LiveRun } from '../../server/run.js'

export const PrivacyTab = ({ run }: { readonly run: LiveRun }) => <p>{run.view.line.name}</p>
