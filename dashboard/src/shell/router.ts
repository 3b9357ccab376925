import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from '@tanstack/react-router'
import { parseCompareSearch } from '../pages/compare/search.js'
import { parseRunSearch } from '../pages/run/search.js'
import { parseRunsSearch } from '../pages/runs/search.js'
import { parseStartSearch } from '../pages/start/search.js'
import { parseNodesSearch } from '../pages/nodes/search.js'
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
const nodes = createRoute({
  getParentRoute: () => root,
  path: '/nodes',
  validateSearch: parseNodesSearch,
  component: lazyRouteComponent(() => import('../pages/nodes/nodes-page.js'), 'NodesPage'),
})
const users = createRoute({
  getParentRoute: () => root,
  path: '/users',
  component: lazyRouteComponent(() => import('../pages/users/users-page.js'), 'UsersPage'),
})
const audits = createRoute({
  getParentRoute: () => root,
  path: '/audits',
  component: lazyRouteComponent(() => import('../pages/audits/audits-page.js'), 'AuditsPage'),
})
const audit = createRoute({
  getParentRoute: () => root,
  path: '/audits/$runId',
  component: lazyRouteComponent(() => import('../pages/audit/audit-page.js'), 'AuditPage'),
})
const operations = createRoute({
  getParentRoute: () => root,
  path: '/operations',
  component: lazyRouteComponent(
    () => import('../pages/operations/operations-page.js'),
    'OperationsPage',
  ),
})

const compare = createRoute({
  getParentRoute: () => root,
  path: '/compare',
  validateSearch: parseCompareSearch,
  component: lazyRouteComponent(() => import('../pages/compare/compare-page.js'), 'ComparePage'),
})

export const router = createRouter({
  routeTree: root.addChildren([
    start,
    runs,
    run,
    startRun,
    compare,
    nodes,
    users,
    audits,
    audit,
    operations,
  ]),
  defaultErrorComponent: PageProblem,
  defaultPreload: 'intent',
  scrollRestoration: true,
})
declare module '@tanstack/react-router' {
  interface Register {
    readonly router: typeof router
  }
}
