import { Link, type ErrorComponentProps } from '@tanstack/react-router'
import { Compass } from 'lucide-react'
import { Empty } from '../parts/empty.js'
import { Page } from '../parts/page.js'
import { Problem } from '../parts/problem.js'
import { problemOf } from '../server/api.js'

/** A page that broke: the others go on. */
export function PageProblem({ error, reset }: ErrorComponentProps) {
  return (
    <Page title="Something went wrong">
      <Problem error={problemOf(error)} onRetry={reset} />
    </Page>
  )
}

export function NotFound() {
  return (
    <Page title="Not found">
      <Empty icon={Compass} title="There is no page here">
        <Link to="/runs">Go to the list of runs</Link>
      </Empty>
    </Page>
  )
}
