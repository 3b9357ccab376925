import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from '@tanstack/react-router'
import { parseRunSearch } from '../pages/run/search.js'
import { parseRunsSearch } from '../pages/runs/search.js'
import { parseStartSearch } from '../pages/start/search.js'
import { NotFound, PageProblem } from './page-problem.js'
import { Shell } from './shell.js'

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound })
const start = createRoute({
  getParentRoute: () => root,
  path: '/',
  beforeLoad: () => {
    // The router's own way to lead elsewhere.
    // eslint-disable-next-line @typescript-eslint/only-throw-error
    throw redirect({ to: '/runs', replace: true })
  },
})
const runs = createRoute({
  getParentRoute: () => root,
  path: '/runs',
  validateSearch: parseRunsSearch,
  component: lazyRouteComponent(() => import('../pages/runs/runs-page.js'), 'RunsPage'),
})

const run = createRoute({
  getParentRoute: () => root,
  path: '/runs/$runId',
  validateSearch: parseRunSearch,
  component: lazyRouteComponent(() => import('../pages/run/run-page.js'), 'RunPage'),
})

const startRun = createRoute({
  getParentRoute: () => root,
  path: '/start',
  validateSearch: parseStartSearch,
  component: lazyRouteComponent(() => import('../pages/start/start-page.js'), 'StartPage'),
})

export const router = createRouter({
  routeTree: root.addChildren([start, runs, run, startRun]),
  defaultErrorComponent: PageProblem,
  defaultPreload: 'intent',
  scrollRestoration: true,
})
declare module '@tanstack/react-router' {
  interface Register {
    readonly router: typeof router
  }
}
