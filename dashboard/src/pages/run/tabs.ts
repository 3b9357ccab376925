import { lazy, type ComponentType, type LazyExoticComponent } from 'react'
import type { RunView } from '#protocol/run-views.js'
import type { LiveRun } from '../../server/run.js'
import type { TabId } from './tab-ids.js'

export type TabComponent = ComponentType<{ readonly run: LiveRun }>
export interface RunTab {
  readonly id: TabId
  readonly label: string
  readonly component: LazyExoticComponent<TabComponent>
  /** Left out where a run has nothing of it; default: it is there. */
  readonly isFor?: (view: RunView) => boolean
}

/** What a run's page is made of, in the order in which it stands. Each is fetched when somebody looks at it. */
export const RUN_TABS: readonly RunTab[] = [
  {
    ...{ id: 'overview', label: 'Overview' },
    component: lazy(async () => ({ default: (await import('./overview-tab.js')).OverviewTab })),
  },
  {
    ...{ id: 'timeline', label: 'Timeline' },
    component: lazy(async () => ({ default: (await import('./timeline-tab.js')).TimelineTab })),
  },
  {
    ...{ id: 'clients', label: 'Clients' },
    component: lazy(async () => ({ default: (await import('./clients-tab.js')).ClientsTab })),
  },
  {
    ...{ id: 'method', label: 'Method' },
    component: lazy(async () => ({ default: (await import('./method-tab.js')).MethodTab })),
  },
  {
    ...{ id: 'data', label: 'Data' },
    component: lazy(async () => ({ default: (await import('./data-tab.js')).DataTab })),
  },
  {
    ...{ id: 'privacy', label: 'Privacy' },
    component: lazy(async () => ({ default: (await import('./privacy-tab.js')).PrivacyTab })),
  },
  {
    ...{ id: 'config', label: 'Configuration' },
    component: lazy(async () => ({ default: (await import('./config-tab.js')).ConfigTab })),
  },
  {
    ...{ id: 'events', label: 'Events' },
    component: lazy(async () => ({ default: (await import('./events-tab.js')).EventsTab })),
  },
]
