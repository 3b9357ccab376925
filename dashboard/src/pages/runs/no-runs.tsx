import { ListTree, Plus } from 'lucide-react'
import { ButtonLink } from '../../parts/button-link.js'
import { Empty } from '../../parts/empty.js'
import { useMay } from '../../server/session.js'

/** What a run is, and how there comes to be one. */
export function NoRuns() {
  const mayStart = useMay('researcher')
  return (
    <Empty
      icon={ListTree}
      title="No runs yet"
      action={
        mayStart && (
          <ButtonLink to="/start" look="primary" icon={Plus}>
            Start a run
          </ButtonLink>
        )
      }
    >
      {mayStart
        ? 'A run trains one model on the data of many nodes, which stay where they are.'
        : 'A researcher starts one, and it appears here.'}
    </Empty>
  )
}
