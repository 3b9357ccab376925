import { levelText } from '#protocol/audit-level.js'
import type { RunLine } from '#protocol/run-views.js'
import { Badge, type Tone } from './mark.js'

type Audit = RunLine['audit']

/** What the privacy audit of a run came to. It never says "safe": what was tried did not show more. */
export function AuditBadge({ audit: { state, verdict } }: { readonly audit: Audit }) {
  if (state === 'none') return <span className="muted">–</span>
  if (state === 'under-way') return <Badge tone="accent">under way</Badge>
  if (state === 'unsound') return <Badge tone="bad">proves nothing</Badge>
  if (state === 'overridden') return <Badge tone="warn">overridden</Badge>
  const tone: Tone = state === 'above-threshold' ? 'bad' : 'neutral'
  return <Badge tone={tone}>{verdict === null ? state : levelText(verdict)}</Badge>
}
